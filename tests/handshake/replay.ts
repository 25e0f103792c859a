// Splits byte streams into chunks in every relevant way, for any incremental reader.

/** Encodes a text with one byte per character (ISO 8859-1). */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The text of bytes, one character for each (ISO 8859-1). */
export function textOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/** Lines that each end with CRLF, and the empty line that ends a head. */
export function head(...lines: string[]): string {
  return [...lines, "", ""].join("\r\n");
}

/** One way to split a stream: fresh copies, so that no replay depends on the memory of another. */
export interface Replay {
  /** The name of the split. */
  readonly title: string;
  /** The chunks. */
  readonly chunks: Uint8Array[];
}

/** The stream whole, byte by byte, and cut in two at every offset. */
export function* replays(bytes: Uint8Array): Generator<Replay> {
  yield { title: "whole", chunks: [bytes.slice()] };
  yield { title: "byte by byte", chunks: Array.from(bytes, (byte) => new Uint8Array([byte])) };
  for (let at = 0; at <= bytes.length; at++) {
    yield { title: `split at ${at}`, chunks: [bytes.slice(0, at), bytes.slice(at)] };
  }
}

/** Feeds chunks until the reader is complete; the remaining bytes are the last chunks, joined. */
export function feed(
  reader: { push(chunk: Uint8Array): boolean },
  chunks: Uint8Array[],
): { complete: boolean; left: Uint8Array[] } {
  for (let i = 0; i < chunks.length; i++) {
    if (reader.push(chunks[i])) return { complete: true, left: chunks.slice(i + 1) };
  }
  return { complete: false, left: [] };
}

/** Chunks joined. */
export function joined(chunks: Uint8Array[]): Uint8Array {
  return new Uint8Array(chunks.flatMap((chunk) => [...chunk]));
}
