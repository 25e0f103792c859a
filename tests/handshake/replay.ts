// Splits byte streams into chunks in every relevant way, for tests of incremental readers.

/** Encodes text as Latin-1. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Decodes Latin-1. */
export function textOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/** Terminates each line with CRLF, and the head with an empty line. */
export function head(...lines: string[]): string {
  return [...lines, "", ""].join("\r\n");
}

/** A stream that was split in one way. Its chunks are copies, which no other replay uses. */
export interface Replay {
  /** Describes the split. */
  readonly title: string;
  /** The chunks. */
  readonly chunks: Uint8Array[];
}

/** Yields the stream whole, byte by byte, and split in two at every offset. */
export function* replays(bytes: Uint8Array): Generator<Replay> {
  yield { title: "whole", chunks: [bytes.slice()] };
  yield { title: "byte by byte", chunks: Array.from(bytes, (byte) => new Uint8Array([byte])) };
  for (let at = 0; at <= bytes.length; at++) {
    yield { title: `split at ${at}`, chunks: [bytes.slice(0, at), bytes.slice(at)] };
  }
}

/** Feeds chunks until the reader is complete, and returns the remaining bytes. */
export function feed(
  reader: { push(chunk: Uint8Array): boolean },
  chunks: Uint8Array[],
): { complete: boolean; left: Uint8Array[] } {
  for (let i = 0; i < chunks.length; i++) {
    if (reader.push(chunks[i])) return { complete: true, left: chunks.slice(i + 1) };
  }
  return { complete: false, left: [] };
}

/** Joins chunks. */
export function joined(chunks: Uint8Array[]): Uint8Array {
  return new Uint8Array(chunks.flatMap((chunk) => [...chunk]));
}
