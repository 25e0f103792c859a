// Invariants of the handshake with a proxy, for any responses.

import assert from "node:assert/strict";
import fc from "fast-check";
import { ConnectionError } from "../../src/errors.ts";
import type { ProxyDialogue } from "../../src/proxy/dialogue.ts";
import { HttpConnect } from "../../src/proxy/http_connect.ts";
import { Socks5 } from "../../src/proxy/socks5.ts";
import { concat, toHex, utf8 } from "../support/vectors.ts";
import { chunkSizes, chunksOf, mutated, mutations, shortBytes } from "./bytes.ts";

const targets = fc.record({
  hostname: fc.constantFrom("a.example", "127.0.0.1", "::1"),
  port: fc.integer({ min: 1, max: 65535 }),
});

const credentials = fc.option(
  fc.record({ username: fc.constantFrom("u", "user"), password: fc.constantFrom("", "p") }),
  { nil: undefined },
);

/**
 * The replies of a SOCKS5 proxy: the method, sometimes the authentication status, the final reply.
 */
const socksAnswers = fc.record({
  method: fc.oneof(fc.constantFrom(0, 2), fc.nat(255)),
  status: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(255)),
  reply: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(255)),
  address: fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => [1, ...bytes]),
    fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => [4, ...bytes]),
    fc.uint8Array({ maxLength: 255 }).map((bytes) => [3, bytes.length, ...bytes]),
    fc.nat(255).map((type) => [type]),
  ),
  rest: shortBytes,
}).map(({ method, status, reply, address, rest }) =>
  concat(
    Uint8Array.of(5, method),
    method === 2 ? Uint8Array.of(1, status) : new Uint8Array(0),
    Uint8Array.of(5, reply, 0, ...address, 0, 80),
    rest,
  )
);

const httpAnswers = fc.record({
  interim: fc.nat(10),
  status: fc.oneof(
    fc.constantFrom("HTTP/1.1 200 OK", "HTTP/1.0 200", "HTTP/1.1 407 No", "HTTP/1.1 101 No"),
    fc.string({ unit: "binary-ascii", maxLength: 30 }),
  ),
  fields: fc.array(fc.constantFrom("Content-Length: 5", "Via: x", "bad line", ": x"), {
    maxLength: 3,
  }),
  rest: shortBytes,
}).map(({ interim, status, fields, rest }) =>
  concat(
    utf8("HTTP/1.1 102 Wait\r\n\r\n".repeat(interim)),
    utf8([status, ...fields, "", ""].join("\r\n")),
    rest,
  )
);

interface Outcome {
  readonly sent?: string;
  readonly rest?: string;
  readonly done: boolean;
  readonly error?: string;
}

function converse(dialogue: ProxyDialogue, chunks: Iterable<Uint8Array>): Outcome {
  let sent = dialogue.begin();
  let rest: Uint8Array = new Uint8Array(0);
  for (const chunk of chunks) {
    if (dialogue.done) {
      rest = concat(rest, chunk);
      continue;
    }
    try {
      sent = concat(sent, dialogue.receive(chunk));
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      assert.match(error.code, /^PROXY_(REFUSED|FAILED)$/);
      return { done: dialogue.done, error: error.message };
    }
    if (dialogue.done) rest = dialogue.rest;
  }
  return { done: dialogue.done, sent: toHex(sent), rest: toHex(rest) };
}

function assertSameForEverySplit(
  open: () => ProxyDialogue,
  answers: Uint8Array,
  sizes: readonly number[],
): void {
  const whole = converse(open(), chunksOf(answers, [Math.max(1, answers.length)]));
  assert.deepEqual(converse(open(), chunksOf(answers, sizes)), whole, "in chunks");
  assert.deepEqual(converse(open(), chunksOf(answers, [1])), whole, "by bytes");
}

/** A SOCKS5 proxy may send any response. */
export const socks5 = fc.property(
  targets,
  credentials,
  socksAnswers,
  mutations,
  chunkSizes,
  (target, credentials, answers, what, sizes) => {
    assertSameForEverySplit(() => new Socks5(target, credentials), mutated(answers, what), sizes);
  },
);

/** An HTTP proxy may send any response. */
export const httpConnect = fc.property(
  targets,
  credentials,
  httpAnswers,
  mutations,
  chunkSizes,
  (target, credentials, answers, what, sizes) => {
    assertSameForEverySplit(
      () => new HttpConnect(target, credentials),
      mutated(answers, what),
      sizes,
    );
  },
);
