// Encodes frames with valid and invalid headers.

import assert from "node:assert/strict";
import { encodeFrame } from "../../doctor/encode_frame.ts";
import { toHex } from "../../doctor/recording.ts";
import { binary, frame, ping, text } from "../../doctor/steps.ts";
import type { FrameStep, Role } from "../../doctor/case.ts";

/** The bytes 37 fa 21 3d, as the library keeps them in a number. */
const KEY = { maskKey: 0x3d21fa37 };

const vectors: [title: string, step: FrameStep, role: Role, hex: string][] = [
  // The examples of RFC 6455 5.7.
  ["text to a client", text("Hello"), "client", "810548656c6c6f"],
  ["text to a server", text("Hello", KEY), "server", "818537fa213d7f9f4d5158"],
  ["a fragment", text("Hel", { fin: false }), "client", "010348656c"],
  ["a ping", ping("Hello"), "client", "890548656c6c6f"],
  [
    "a masked frame to a client",
    text("Hello", { ...KEY, maskRule: false }),
    "client",
    "818537fa213d7f9f4d5158",
  ],
  ["an unmasked frame to a server", text("Hello", { maskRule: false }), "server", "810548656c6c6f"],
  ["a mask key of all ones", text("\u0000", { maskKey: 0xffffffff }), "server", "8181ffffffffff"],
  ["all reserved bits", frame(15, "", { rsv: 7 }), "client", "ff00"],
  [
    "a 16-bit length that fits into 7 bits",
    binary("a", { lengthBits: 16 }),
    "client",
    "827e000161",
  ],
  [
    "a 64-bit length that fits into 7 bits",
    binary("a", { lengthBits: 64 }),
    "client",
    "827f000000000000000161",
  ],
  ["a length without a payload", binary("", { announced: 300n }), "client", "827e012c"],
  [
    "a length with the most significant bit set",
    binary("", { announced: 1n << 63n }),
    "client",
    "827f8000000000000000",
  ],
];

for (const [title, step, role, hex] of vectors) {
  Deno.test(title, () => assert.equal(toHex(encodeFrame(step, role)), hex));
}

for (const size of [125, 126, 65535, 65536]) {
  Deno.test(`a payload of ${size} bytes has the shortest header`, () => {
    const bytes = encodeFrame(binary({ source: "octets", size }), "client");
    assert.equal(bytes.length - size, size < 126 ? 2 : size < 65536 ? 4 : 10);
  });
}

Deno.test("mask keys are random", () => {
  const keys = Array.from({ length: 4 }, () => toHex(encodeFrame(text(""), "server")));
  assert.equal(new Set(keys).size, 4);
});
