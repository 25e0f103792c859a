// CPU time and memory of the measured process and of this one.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// clockTicks is the unit of the times in /proc: hundredths of a second.
const clockTicks = 100

const (
	// leastCPU is the CPU time in seconds for which the resolution of a tick is good enough.
	leastCPU = 0.3
	// patienceFactor limits how far a measurement may be extended on a busy machine.
	patienceFactor = 4
)

// untilCounted handles events for the duration of the load, or longer if the measured process gets
// little CPU time.
func untilCounted(load *Load, began time.Time, cpu float64, until func(end time.Time)) {
	duration := time.Duration(load.Duration) * time.Millisecond
	until(began.Add(duration))
	for cpuSeconds(load.Pids)-cpu < leastCPU && time.Since(began) < patienceFactor*duration {
		until(time.Now().Add(duration / 10))
	}
}

// cpuSeconds returns the CPU time of processes, user and system, all threads.
func cpuSeconds(pids []int) float64 {
	sum := 0.0
	for _, pid := range pids {
		sum += cpuSecondsOf(pid)
	}
	return sum
}

func cpuSecondsOf(pid int) float64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	must(err)
	// The second field, the program's name, may contain spaces. The times are fields 14 and 15.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+2:])
	user, err := strconv.Atoi(string(fields[11]))
	must(err)
	system, err := strconv.Atoi(string(fields[12]))
	must(err)
	return float64(user+system) / clockTicks
}

// exactSeconds returns the CPU time of running threads from the scheduler, with nanosecond
// resolution, for processes with little load.
func exactSeconds(pids []int) float64 {
	sum := 0
	for _, pid := range pids {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		must(err)
		for _, thread := range threads {
			text, err := os.ReadFile(thread)
			if err != nil {
				// The thread has ended in the meantime.
				continue
			}
			nanoseconds, err := strconv.Atoi(string(bytes.Fields(text)[0]))
			must(err)
			sum += nanoseconds
		}
	}
	return float64(sum) / 1e9
}

// residentBytes returns the resident memory of processes.
func residentBytes(pids []int) int {
	sum := 0
	for _, pid := range pids {
		sum += residentBytesOf(pid)
	}
	return sum
}

func residentBytesOf(pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(err)
	_, rest, found := bytes.Cut(status, []byte("VmRSS:"))
	if !found {
		fail("/proc/%d/status has no VmRSS", pid)
	}
	kibibytes, err := strconv.Atoi(string(bytes.Fields(rest)[0]))
	must(err)
	return kibibytes * 1024
}

// ownSeconds returns the CPU time of the generator.
func ownSeconds() float64 {
	var usage syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}
