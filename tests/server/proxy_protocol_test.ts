// Tests the PROXY protocol, versions 1 and 2, with valid and invalid headers.

import assert from "node:assert/strict";
import { HandshakeError } from "../../src/errors.ts";
import { type PeerAddress, ProxyHeaderReader } from "../../src/server/client_address.ts";
import { Random } from "../support/random.ts";

const SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
const V4 = [1, 2, 3, 4, 10, 0, 0, 1, 0x12, 0x34, 0, 80];
const V6 = [...new Array<number>(15).fill(0), 1, ...new Array<number>(16).fill(9), 0, 7, 0, 80];

function bytes(text: string): number[] {
  return [...text].map((character) => character.charCodeAt(0));
}

/** Creates a version 2 header. */
function v2(command: number, family: number, body: number[], length = body.length): number[] {
  return [...SIGNATURE, command, family, length >> 8, length & 0xff, ...body];
}

/** Reads a header in chunks of `size`. Returns the address and the number of remaining bytes. */
function read(header: number[], size: number): { address: PeerAddress | undefined; rest: number } {
  const reader = new ProxyHeaderReader();
  for (let at = 0; at < header.length; at += size) {
    const piece = Uint8Array.from(header.slice(at, at + size));
    const end = reader.push(piece);
    if (end !== -1) return { address: reader.address, rest: header.length - at - end };
  }
  return { address: undefined, rest: -1 };
}

const HEADERS: readonly [what: string, header: number[], address: PeerAddress | undefined][] = [
  ["TCP4", bytes("PROXY TCP4 1.2.3.4 5.6.7.8 56 80\r\n"), {
    remoteAddress: "1.2.3.4",
    remotePort: 56,
  }],
  ["TCP6", bytes("PROXY TCP6 2001:DB8::1 ::1 0 65535\r\n"), {
    remoteAddress: "2001:db8::1",
    remotePort: 0,
  }],
  ["a mapped address", bytes("PROXY TCP6 ::ffff:1.2.3.4 ::1 1 2\r\n"), {
    remoteAddress: "1.2.3.4",
    remotePort: 1,
  }],
  ["UNKNOWN", bytes("PROXY UNKNOWN\r\n"), undefined],
  ["UNKNOWN with addresses", bytes("PROXY UNKNOWN ffff:f...f:ffff x\r\n"), undefined],
  ["version 2, IPv4", v2(0x21, 0x11, V4), { remoteAddress: "1.2.3.4", remotePort: 0x1234 }],
  ["version 2, IPv6", v2(0x21, 0x21, V6), { remoteAddress: "::1", remotePort: 7 }],
  ["version 2 with extensions", v2(0x21, 0x11, [...V4, ...new Array<number>(5000).fill(4)]), {
    remoteAddress: "1.2.3.4",
    remotePort: 0x1234,
  }],
  ["version 2, LOCAL", v2(0x20, 0x11, V4), undefined],
  ["version 2, LOCAL without addresses", v2(0x20, 0, []), undefined],
  ["version 2, no family", v2(0x21, 0, [1, 2, 3]), undefined],
  ["version 2, UDP", v2(0x21, 0x12, V4), undefined],
  ["version 2, Unix", v2(0x21, 0x31, new Array<number>(216).fill(65)), undefined],
];

for (const [what, header, address] of HEADERS) {
  Deno.test(`PROXY protocol: reads ${what} for any chunk size`, () => {
    for (const size of [1, 2, 7, 16, 17, header.length, header.length + 9]) {
      assert.deepEqual(read(header, size), { address, rest: 0 }, `chunks of ${size}`);
      const more = [...header, ...bytes("GET / HTTP/1.1\r\n")];
      assert.deepEqual(read(more, more.length), { address, rest: 16 });
    }
  });
}

const WRONG: readonly [what: string, header: number[]][] = [
  ["a request", bytes("GET / HTTP/1.1\r\n\r\n")],
  ["TLS", [0x16, 0x03, 0x01]],
  ["lower case", bytes("proxy TCP4 1.2.3.4 5.6.7.8 56 80\r\n")],
  ["another family", bytes("PROXY UDP4 1.2.3.4 5.6.7.8 56 80\r\n")],
  ["a bare LF", bytes("PROXY TCP4 1.2.3.4 5.6.7.8 56 80\n")],
  ["two spaces", bytes("PROXY TCP4  1.2.3.4 5.6.7.8 56 80\r\n")],
  ["IPv6 as TCP4", bytes("PROXY TCP4 ::1 ::1 56 80\r\n")],
  ["IPv4 as TCP6", bytes("PROXY TCP6 1.2.3.4 5.6.7.8 56 80\r\n")],
  ["a leading zero", bytes("PROXY TCP4 01.2.3.4 5.6.7.8 56 80\r\n")],
  ["a port with a leading zero", bytes("PROXY TCP4 1.2.3.4 5.6.7.8 056 80\r\n")],
  ["a port that is too large", bytes("PROXY TCP4 1.2.3.4 5.6.7.8 65536 80\r\n")],
  ["a port with an exponent", bytes("PROXY TCP4 1.2.3.4 5.6.7.8 1e3 80\r\n")],
  ["no port", bytes("PROXY TCP4 1.2.3.4 5.6.7.8 56\r\n")],
  ["text after the ports", bytes("PROXY TCP4 1.2.3.4 5.6.7.8 56 80 x\r\n")],
  ["no addresses", bytes("PROXY\r\n")],
  ["an unterminated line", bytes(`PROXY UNKNOWN ${"x".repeat(200)}`)],
  ["version 1 in a binary header", v2(0x11, 0x11, V4)],
  ["version 3", v2(0x31, 0x11, V4)],
  ["another command", v2(0x22, 0x11, V4)],
  ["a length too short for its addresses", v2(0x21, 0x11, V4, 11)],
  ["a length too short for IPv6", v2(0x21, 0x21, V4)],
  ["an unknown family in a binary header", v2(0x21, 0x41, V4)],
  ["a wrong signature", [...SIGNATURE.slice(0, 11), 0x0b]],
];

for (const [what, header] of WRONG) {
  Deno.test(`PROXY protocol: rejects ${what} for any chunk size`, () => {
    for (const size of [1, 3, header.length]) {
      assert.throws(() => read(header, size), (error) => {
        assert.ok(error instanceof HandshakeError, String(error));
        assert.deepEqual([error.code, error.status], ["PROXY_HEADER_INVALID", 400]);
        return true;
      });
    }
  });
}

Deno.test("PROXY protocol: reads or rejects random bytes and corrupted headers", () => {
  const random = new Random(7);
  for (let round = 0; round < 20_000; round++) {
    const [, header] = HEADERS[random.below(HEADERS.length)];
    const damaged = header.slice(0, 400);
    for (let i = random.below(4); i > 0; i--) {
      damaged[random.below(damaged.length)] = random.below(256);
    }
    const reader = new ProxyHeaderReader();
    try {
      for (let at = 0; at < damaged.length;) {
        const size = 1 + random.below(40);
        const end = reader.push(Uint8Array.from(damaged.slice(at, at + size)));
        if (end !== -1) {
          assert.ok(end <= size);
          const { remotePort = 0 } = reader.address ?? {};
          assert.ok(remotePort >= 0 && remotePort <= 65535);
          break;
        }
        at += size;
      }
    } catch (error) {
      assert.ok(error instanceof HandshakeError, String(error));
    }
  }
});
