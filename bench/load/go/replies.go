// Reads replies: parses frame headers and skips payloads. Compares only the first message of each
// connection with the sent one, byte by byte.
package main

const (
	fin          = 0x80
	opcodeBits   = 0x0f
	continuation = 0
	closeOpcode  = 8
	masked       = 0x80
	lengthBits   = 0x7f
)

// Replies reads the replies on one connection.
type Replies struct {
	head     [14]byte
	headSize int
	// left is the number of bytes left in the frame's payload.
	left int
	// size is the number of bytes of the message so far.
	size    int
	final   bool
	control bool
	key     [4]byte
	at      int
	// checked reports that the first message has been compared.
	checked bool
}

// headerSize returns the length of a header from its first two bytes.
func headerSize(second byte) int {
	size := 2
	switch second & lengthBits {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if second&masked != 0 {
		size += 4
	}
	return size
}

// read returns the number of messages that end in bytes.
func (r *Replies) read(bytes []byte, load *Load, expected []byte) int {
	messages := 0
	for len(bytes) > 0 {
		if r.left == 0 {
			if r.headSize == 0 && len(bytes) >= len(r.head) {
				size := headerSize(bytes[1])
				r.open(bytes[:size], load)
				bytes = bytes[size:]
			} else {
				r.head[r.headSize] = bytes[0]
				r.headSize++
				bytes = bytes[1:]
				if r.headSize < 2 || r.headSize < headerSize(r.head[1]) {
					continue
				}
				r.open(r.head[:r.headSize], load)
				r.headSize = 0
			}
		}
		count := min(r.left, len(bytes))
		if !r.checked && !r.control && load.Reply >= 0 {
			r.compare(bytes[:count], expected)
		}
		r.at += count
		r.left -= count
		bytes = bytes[count:]
		if r.left > 0 || r.control || !r.final {
			continue
		}
		if load.Reply >= 0 && r.size != load.Reply {
			fail("a reply has %d bytes of payload instead of %d", r.size, load.Reply)
		}
		r.size = 0
		r.checked = true
		messages++
	}
	return messages
}

// open handles a complete header.
func (r *Replies) open(head []byte, load *Load) {
	opcode := head[0] & opcodeBits
	r.final = head[0]&fin != 0
	r.control = opcode >= closeOpcode
	if opcode == closeOpcode {
		fail("the peer closed the connection")
	}
	length := int(head[1] & lengthBits)
	switch length {
	case 126:
		length = int(head[2])<<8 | int(head[3])
	case 127:
		length = 0
		for _, part := range head[2:10] {
			length = length<<8 | int(part)
		}
	}
	r.left = length
	if r.control {
		return
	}
	if opcode != continuation && opcode != load.Opcode {
		fail("a reply has opcode %d instead of %d", opcode, load.Opcode)
	}
	r.key = [4]byte{}
	if head[1]&masked != 0 {
		copy(r.key[:], head[len(head)-4:])
	}
	if r.size == 0 {
		r.at = 0
	}
	r.size += length
}

func (r *Replies) compare(bytes []byte, expected []byte) {
	// Echoes are not fragmented, so the offset in the message gives the offset in the key.
	for index, value := range bytes {
		at := r.at + index
		if at >= len(expected) || value^r.key[at&3] != expected[at] {
			fail("byte %d of a reply differs from the sent message", at)
		}
	}
}
