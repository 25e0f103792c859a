// Reads the server name from a TLS ClientHello (RFC 8446 4.1.2, RFC 6066 section 3).

import assert from "node:assert/strict";
import type { RawSocket } from "../../support/raw_socket.ts";

const SERVER_NAME = 0;

/** Waits for a ClientHello, reads it, and returns its server name, if any. */
export async function serverNameOf(peer: RawSocket): Promise<string | undefined> {
  const header = await peer.take(5);
  assert.equal(header[0], 0x16, "not a handshake record");
  const hello = new Reader(await peer.take(header[3] << 8 | header[4]));
  assert.equal(hello.number(1), 1, "not a ClientHello");
  hello.skip(3 + 2 + 32);
  hello.skip(hello.number(1)); // legacy_session_id
  hello.skip(hello.number(2)); // cipher_suites
  hello.skip(hello.number(1)); // legacy_compression_methods
  const extensions = new Reader(hello.bytes(hello.number(2)));
  while (!extensions.empty) {
    const type = extensions.number(2);
    const data = new Reader(extensions.bytes(extensions.number(2)));
    if (type !== SERVER_NAME) continue;
    data.skip(2 + 1);
    return new TextDecoder().decode(data.bytes(data.number(2)));
  }
  return undefined;
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get empty(): boolean {
    return this.#at === this.#bytes.length;
  }

  number(size: number): number {
    return this.bytes(size).reduce((value, byte) => value << 8 | byte, 0);
  }

  bytes(size: number): Uint8Array {
    assert.ok(this.#at + size <= this.#bytes.length, "the ClientHello is truncated");
    return this.#bytes.subarray(this.#at, this.#at += size);
  }

  skip(size: number): void {
    this.bytes(size);
  }
}
