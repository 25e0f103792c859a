// Frames as bytes, legal or not, built and read here without the library's own code.

/** The fields of a frame (RFC 6455 section 5.2); omitted fields have legal values. */
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
  /** The length that the header names. Default: the payload's. */
  readonly length?: bigint;
}

/** A frame as bytes on the wire. */
export interface WireFrame {
  readonly fin: boolean;
  readonly rsv: number;
  readonly opcode: number;
  readonly masked: boolean;
  readonly payload: Uint8Array;
}

/** A mask key with four different bytes, one of them with its top bit set. */
export const MASK_KEY: readonly number[] = [0x37, 0xfa, 0x21, 0x3d];

/** The names of the opcodes; the library's own table must agree. */
export const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

/** The UTF-8 of a text. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Bytes from hexadecimal digits; spaces are ignored. */
export function hex(digits: string): Uint8Array {
  const packed = digits.replaceAll(" ", "");
  return Uint8Array.from(
    { length: packed.length / 2 },
    (_, i) => parseInt(packed.slice(2 * i, 2 * i + 2), 16),
  );
}

const HEX_BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Hexadecimal digits of bytes. */
export function toHex(bytes: Uint8Array): string {
  let digits = "";
  for (let i = 0; i < bytes.length; i++) digits += HEX_BYTES[bytes[i]];
  return digits;
}

/** One array of several. */
export function concat(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The bytes of a header. */
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

/** The bytes of a frame. */
export function frame(parts: FrameParts): Uint8Array {
  const payload = payloadOf(parts);
  return concat(
    header(parts),
    parts.mask === undefined ? payload : applyMask(payload, parts.mask),
  );
}

/** A masked or unmasked copy. */
function applyMask(bytes: Uint8Array, mask: ArrayLike<number>): Uint8Array {
  const result = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) result[i] = bytes[i] ^ mask[i % 4];
  return result;
}

/** The payload of a Close frame, without any validation. */
export function closePayload(code: number, reason: Uint8Array | string = ""): Uint8Array {
  const bytes = typeof reason === "string" ? utf8(reason) : reason;
  return concat(Uint8Array.of(code >> 8, code & 0xff), bytes);
}

/** Parses frames from written bytes; throws on incomplete frames. */
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
  if (at + length > bytes.length) throw new RangeError("The last frame is not whole");
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
