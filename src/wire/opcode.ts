// The opcodes (RFC 6455 5.2, section 11.8), and the other bits of the first header byte.

/**
 * The opcodes of RFC 6455 section 5.2. A message handler receives {@linkcode Opcode.Text} and
 * {@linkcode Opcode.Binary}; the others are used by lower layers.
 *
 * @category Connection
 */
export const Opcode = {
  /** Another fragment of the current message. */
  Continuation: 0x0,
  /** A text message, or its first fragment. */
  Text: 0x1,
  /** A binary message, or its first fragment. */
  Binary: 0x2,
  /** The closing handshake. */
  Close: 0x8,
  /** Requests a pong. */
  Ping: 0x9,
  /** Answers a ping, or is unsolicited. */
  Pong: 0xa,
} as const;

/**
 * One of the values of {@linkcode Opcode}.
 *
 * @category Connection
 */
export type Opcode = typeof Opcode[keyof typeof Opcode];

/**
 * The opcodes of messages.
 *
 * @category Connection
 */
export type MessageOpcode = typeof Opcode.Text | typeof Opcode.Binary;

/** First header byte: this frame is the last fragment of its message. */
export const FIN = 0x80;
/** First header byte: the bit used by permessage-deflate (RFC 7692 section 6). */
export const RSV1 = 0x40;
/** First header byte: the bits not used by any supported extension. */
export const RSV2_RSV3 = 0x30;
/** First header byte: the opcode. */
export const OPCODE_BITS = 0x0f;
/** The bit that distinguishes control opcodes (RFC 6455 section 5.5). */
export const CONTROL = 0x08;
/** Second header byte: the payload is masked. */
export const MASK = 0x80;
/** Second header byte: the payload's length, or the size of its encoding. */
export const LENGTH_BITS = 0x7f;
/** The length in the second byte if the actual one follows in 16 bits. */
export const LENGTH_16 = 126;
/** The length in the second byte if the actual one follows in 64 bits. */
export const LENGTH_64 = 127;
/** The maximum header size in bytes: two, a 64-bit length, a mask key. */
export const MAX_HEADER_SIZE = 14;
/** The maximum payload of a control frame in bytes (RFC 6455 section 5.5). */
export const MAX_CONTROL_PAYLOAD = 125;
