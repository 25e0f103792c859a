// Defects of fflate 0.8.3, the reason why quickws has its own codec. These tests fail once fflate
// fixes them.

import assert from "node:assert/strict";
import { Deflate, inflateSync } from "fflate";
import { Random } from "../support/random.ts";
import { Bits } from "./bits.ts";
import { message } from "./corpus.ts";
import { concat, zlibInflate } from "./oracles.ts";

/** Compresses a message with fflate's sync flush, without the tail of the flush. */
function fflateFlushed(bytes: Uint8Array): Uint8Array {
  const chunks: Uint8Array[] = [];
  const stream = new Deflate({ level: 6, mem: 4 }, (chunk) => chunks.push(chunk));
  stream.push(bytes);
  stream.flush(true);
  return concat(...chunks).slice(0, -4);
}

Deno.test("zlib rejects most messages from fflate's sync flush", () => {
  const random = new Random(141);
  let refused = 0;
  for (let run = 0; run < 100; run++) {
    const bytes = message(random, "json", 1024);
    const result = zlibInflate(fflateFlushed(bytes));
    if (result === undefined || !concat(result.bytes).every((byte, at) => byte === bytes[at])) {
      refused++;
    }
  }
  assert(refused > 50, `fflate has improved: zlib rejects only ${refused} of 100 messages`);
});

Deno.test("fflate accepts a stored block whose LEN and NLEN do not match", () => {
  const payload = new Bits().block("stored", true).align().put(3, 16).put(3, 16).put(0x434241, 24)
    .bytes();
  assert.equal(zlibInflate(payload), undefined);
  assert.equal(new TextDecoder().decode(inflateSync(payload)), "ABC");
});

Deno.test("fflate truncates a message at the end of its output buffer without an error", () => {
  const payload = new Bits().block("fixed", true).fixedText("ABCDEF").fixedEnd().bytes();
  assert.equal(new TextDecoder().decode(inflateSync(payload, { out: new Uint8Array(3) })), "ABC");
});
