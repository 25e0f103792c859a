// Whole frames with their payload, for the loads that look into it; only short ones, and none in
// fragments.
package main

import "encoding/binary"

const (
	textOpcode = 1
	pingOpcode = 9
	pongOpcode = 10
)

// frameReader keeps what a read has left of a frame.
type frameReader struct {
	rest []byte
}

// read hands on the frames that are complete with these bytes; their payload is gone afterwards.
func (r *frameReader) read(bytes []byte, handle func(opcode byte, payload []byte)) {
	if len(r.rest) > 0 {
		bytes = append(r.rest, bytes...)
	}
	for len(bytes) >= 2 {
		if bytes[0]&fin == 0 || bytes[1]&masked != 0 {
			fail("a frame is masked, or one of several")
		}
		size := headerSize(bytes[1])
		if len(bytes) < size {
			break
		}
		length := int(bytes[1])
		switch length {
		case 126:
			length = int(binary.BigEndian.Uint16(bytes[2:]))
		case 127:
			fail("a message is longer than all that were sent")
		}
		if len(bytes) < size+length {
			break
		}
		handle(bytes[0]&opcodeBits, bytes[size:size+length])
		bytes = bytes[size+length:]
	}
	r.rest = append(r.rest[:0], bytes...)
}

func textFrame(text string) []byte { return maskedFrame(textOpcode, text) }

// maskedFrame is masked with zeros, which is as much work for the server as any other key.
func maskedFrame(opcode byte, payload string) []byte {
	frame := []byte{fin | opcode}
	if len(payload) < 126 {
		frame = append(frame, masked|byte(len(payload)))
	} else {
		frame = append(frame, masked|126, byte(len(payload)>>8), byte(len(payload)))
	}
	frame = append(frame, 0, 0, 0, 0)
	return append(frame, payload...)
}
