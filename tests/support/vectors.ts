// Builds and parses frames, valid or not, without the library's code.

/** The fields of a frame (RFC 6455 section 5.2). Omitted fields get valid values. */
export interface FrameParts {
  /** The FIN bit. Default: set. */
  readonly fin?: boolean;
  /** RSV1 is 4, RSV2 is 2, RSV3 is 1. Default: none. */
  readonly rsv?: number;
  readonly opcode: number;
  /** The payload before masking; a string is encoded as UTF-8. Default: empty. */
  readonly payload?: Uint8Array | string;
  /** The four bytes of the mask key. Default: not masked. */
  readonly mask?: readonly number[];
  /** The encoding of the length. Default: the shortest. */
  readonly lengthBits?: 7 | 16 | 64;
  /** The length in the header. Default: the payload's. */
  readonly length?: bigint;
}

/** A frame as it was parsed. */
export interface WireFrame {
  readonly fin: boolean;
  readonly rsv: number;
  readonly opcode: number;
  readonly masked: boolean;
  readonly payload: Uint8Array;
}

/** A mask key with four different bytes, one of them with its top bit set. */
export const MASK_KEY: readonly number[] = [0x37, 0xfa, 0x21, 0x3d];

/** The opcodes. A test compares them with the library's table. */
export const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

/** Encodes text as UTF-8. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Decodes hexadecimal digits; spaces are ignored. */
export function hex(digits: string): Uint8Array {
  const packed = digits.replaceAll(" ", "");
  return Uint8Array.from(
    { length: packed.length / 2 },
    (_, i) => parseInt(packed.slice(2 * i, 2 * i + 2), 16),
  );
}

const HEX_BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Encodes bytes as hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  let digits = "";
  for (let i = 0; i < bytes.length; i++) digits += HEX_BYTES[bytes[i]];
  return digits;
}

/** Joins arrays of bytes. */
export function concat(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Encodes a frame header. */
export function header(parts: FrameParts): Uint8Array {
  const payload = payloadOf(parts);
  const length = parts.length ?? BigInt(payload.length);
  const bits = parts.lengthBits ?? (length < 126n ? 7 : length < 65536n ? 16 : 64);
  const field: number[] = [];
  if (bits !== 7) {
    for (let i = bits - 8; i >= 0; i -= 8) field.push(Number(length >> BigInt(i) & 0xffn));
  }
  return Uint8Array.of(
    (parts.fin === false ? 0 : 0x80) | (parts.rsv ?? 0) << 4 | parts.opcode,
    (parts.mask === undefined ? 0 : 0x80) | (bits === 7 ? Number(length) : bits === 16 ? 126 : 127),
    ...field,
    ...parts.mask ?? [],
  );
}

/** Encodes a frame. */
export function frame(parts: FrameParts): Uint8Array {
  const payload = payloadOf(parts);
  return concat(
    header(parts),
    parts.mask === undefined ? payload : applyMask(payload, parts.mask),
  );
}

/** Returns a masked (or unmasked) copy. */
function applyMask(bytes: Uint8Array, mask: ArrayLike<number>): Uint8Array {
  const result = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) result[i] = bytes[i] ^ mask[i % 4];
  return result;
}

/** Encodes the payload of a Close frame, without validation. */
export function closePayload(code: number, reason: Uint8Array | string = ""): Uint8Array {
  const bytes = typeof reason === "string" ? utf8(reason) : reason;
  return concat(Uint8Array.of(code >> 8, code & 0xff), bytes);
}

/** Parses frames. Throws if the last one is incomplete. */
export function parseFrames(bytes: Uint8Array): WireFrame[] {
  const frames: WireFrame[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const { frame, size } = parseFrame(rest);
    frames.push(frame);
    rest = rest.subarray(size);
  }
  return frames;
}

function parseFrame(bytes: Uint8Array): { frame: WireFrame; size: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const masked = (view.getUint8(1) & 0x80) !== 0;
  let length = view.getUint8(1) & 0x7f;
  let at = 2;
  if (length === 126) {
    length = view.getUint16(2);
    at = 4;
  } else if (length === 127) {
    length = Number(view.getBigUint64(2));
    at = 10;
  }
  const mask = bytes.subarray(at, at + 4);
  if (masked) at += 4;
  if (at + length > bytes.length) throw new RangeError("The last frame is incomplete");
  const payload = bytes.subarray(at, at + length);
  return {
    frame: {
      fin: (bytes[0] & 0x80) !== 0,
      rsv: bytes[0] >> 4 & 7,
      opcode: bytes[0] & 15,
      masked,
      payload: masked ? applyMask(payload, mask) : new Uint8Array(payload),
    },
    size: at + length,
  };
}

function payloadOf(parts: FrameParts): Uint8Array {
  return typeof parts.payload === "string"
    ? utf8(parts.payload)
    : parts.payload ?? new Uint8Array(0);
}
