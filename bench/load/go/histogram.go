// A latency histogram whose bucket widths are at most 1/64 of their values.
package main

import "math/bits"

// Histogram counts nanoseconds.
type Histogram struct {
	buckets [64 * 60]int
	count   int
}

func (h *Histogram) add(nanoseconds int64) {
	shift := max(0, bits.Len64(uint64(nanoseconds))-7)
	h.buckets[64*shift+int(nanoseconds>>shift)]++
	h.count++
}

// quantile returns microseconds.
func (h *Histogram) quantile(part float64) float64 {
	left := int(float64(h.count) * part)
	for index, count := range h.buckets {
		left -= count
		if left < 0 {
			shift := max(0, index/64-1)
			return float64(int64(index-64*shift)<<shift) / 1000
		}
	}
	return 0
}
