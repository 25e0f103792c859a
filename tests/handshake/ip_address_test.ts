import assert from "node:assert/strict";
import { isIP } from "node:net";
import { parseIpAddress } from "../../src/handshake/ip_address.ts";
import { Random } from "../support/random.ts";

const ZEROS = (count: number): number[] => new Array<number>(count).fill(0);

const ADDRESSES: readonly [text: string, bytes: number[]][] = [
  ["127.0.0.1", [127, 0, 0, 1]],
  ["0.0.0.0", [0, 0, 0, 0]],
  ["255.255.255.255", [255, 255, 255, 255]],
  ["::", ZEROS(16)],
  ["::1", [...ZEROS(15), 1]],
  ["1::", [0, 1, ...ZEROS(14)]],
  ["2001:db8::ff00:42:8329", [0x20, 1, 0xd, 0xb8, ...ZEROS(6), 0xff, 0, 0, 0x42, 0x83, 0x29]],
  ["2001:DB8::A", [0x20, 1, 0xd, 0xb8, ...ZEROS(11), 10]],
  ["1:2:3:4:5:6:7:8", [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8]],
  ["1:2:3:4:5:6:7::", [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 0]],
  ["::2:3:4:5:6:7:8", [0, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8]],
  ["::ffff:192.0.2.1", [...ZEROS(10), 255, 255, 192, 0, 2, 1]],
  ["1:2:3:4:5:6:1.2.3.4", [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 1, 2, 3, 4]],
  ["64:ff9b::1.2.3.4", [0, 0x64, 0xff, 0x9b, ...ZEROS(8), 1, 2, 3, 4]],
];

for (const [text, bytes] of ADDRESSES) {
  Deno.test(`${text} is an IP address`, () => {
    assert.deepEqual(parseIpAddress(text), bytes);
  });
}

const OTHERS = [
  "",
  ".",
  ":",
  ":::",
  "a.example",
  "1.2.3",
  "1.2.3.4.5",
  "1.2.3.",
  "1.2.3.256",
  "1.2.3.999",
  "1.2.3.0001",
  "1.2.3.-4",
  "1.2.3.4 ",
  "1.2.3.a",
  "0x7f.0.0.1",
  // Some programs parse this as octal: 8.0.0.1.
  "010.0.0.1",
  "127.0.0.01",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7:8::",
  "::1:2:3:4:5:6:7:8",
  "1::2::3",
  ":1:2:3:4:5:6:7:8",
  "1:2:3:4:5:6:7:8:",
  "1:",
  ":1",
  "12345::",
  "g::",
  "::1.2.3",
  "::1.2.3.256",
  "1.2.3.4::",
  "1.2.3.4:2:3:4:5:6:7",
  "::1.2.3.4:5",
  "1:2:3:4:5:6:7:1.2.3.4",
  // A zone is valid only on one machine.
  "fe80::1%eth0",
  "fe80::1%1",
  "[::1]",
  "::1/128",
];

for (const text of OTHERS) {
  Deno.test(`"${text}" is not an IP address`, () => {
    assert.equal(parseIpAddress(text), undefined);
  });
}

Deno.test("agrees with another address parser on random strings", () => {
  const random = new Random(7);
  const parts = [":", ":", "::", ".", ".", "0", "1", "f", "ab", "12", "255"];
  let addresses = 0;
  for (let i = 0; i < 20_000; i++) {
    const text = Array.from({ length: 1 + random.below(15) }, () => random.pick(parts)).join("");
    const known = isIP(text);
    if (known !== 0) addresses++;
    assert.equal(parseIpAddress(text)?.length, [undefined, 4, 16][[0, 4, 6].indexOf(known)], text);
  }
  assert.ok(addresses > 100, `only ${addresses} of the random texts were addresses`);
});
