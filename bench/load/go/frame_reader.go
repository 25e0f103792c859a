// Reads complete frames, for loads that need the payload. Supports only short, unfragmented
// messages.
package main

import "encoding/binary"

const (
	textOpcode = 1
	pingOpcode = 9
	pongOpcode = 10
)

// frameReader buffers an incomplete frame between reads.
type frameReader struct {
	rest []byte
}

// read passes on the frames that these bytes complete. The payload is valid only during the call.
func (r *frameReader) read(bytes []byte, handle func(opcode byte, payload []byte)) {
	if len(r.rest) > 0 {
		bytes = append(r.rest, bytes...)
	}
	for len(bytes) >= 2 {
		if bytes[0]&fin == 0 || bytes[1]&masked != 0 {
			fail("a frame is masked or fragmented")
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
			fail("a message is longer than any sent one")
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

// maskedFrame uses a zero mask key, which costs the server as much as any other key.
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
