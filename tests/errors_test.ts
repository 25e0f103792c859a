import assert from "node:assert/strict";
import {
  ConnectionError,
  HandshakeError,
  InvalidPayloadError,
  MessageTooBigError,
  ProtocolError,
  TimeoutError,
  WebSocketError,
} from "../src/errors.ts";

const CAUSE = new Error("the cause");

const ERRORS: readonly [error: WebSocketError, name: string, code: string, closeCode?: number][] = [
  [new WebSocketError("TERMINATED", "words"), "WebSocketError", "TERMINATED"],
  [slowConsumer(), "WebSocketError", "SLOW_CONSUMER", 1008],
  [new ProtocolError("RESERVED_BITS", "words"), "ProtocolError", "RESERVED_BITS", 1002],
  [new InvalidPayloadError("INVALID_UTF8", "words"), "InvalidPayloadError", "INVALID_UTF8", 1007],
  [new MessageTooBigError("words"), "MessageTooBigError", "MESSAGE_TOO_BIG", 1009],
  [new HandshakeError("KEY_INVALID", "words"), "HandshakeError", "KEY_INVALID"],
  [new TimeoutError("CLOSE_TIMEOUT", "words"), "TimeoutError", "CLOSE_TIMEOUT"],
  [new ConnectionError("CONNECTION_LOST", "words"), "ConnectionError", "CONNECTION_LOST"],
];

function slowConsumer(): WebSocketError {
  return new WebSocketError("SLOW_CONSUMER", "words", { closeCode: 1008 });
}

for (const [error, name, code, closeCode] of ERRORS) {
  const closes = closeCode === undefined ? "no close code" : `the close code ${closeCode}`;
  Deno.test(`a ${name} with the code ${code} has its name and ${closes}`, () => {
    assert.ok(error instanceof Error && error instanceof WebSocketError);
    assert.equal(error.name, name);
    assert.equal(error.constructor.name, name);
    assert.equal(error.code, code);
    assert.equal(error.message, "words");
    assert.equal(error.closeCode, closeCode);
    assert.ok(String(error).includes(`${name}: words`));
    assert.ok(error.stack!.includes("errors_test"));
  });
}

Deno.test("an error has the given cause, or no cause property", () => {
  const withCause = [
    new WebSocketError("INTERNAL", "words", { cause: CAUSE }),
    new HandshakeError("HEAD_MALFORMED", "words", { cause: CAUSE }),
    new TimeoutError("HANDSHAKE_TIMEOUT", "words", { cause: CAUSE }),
    new ConnectionError("CONNECT_FAILED", "words", { cause: CAUSE }),
  ];
  for (const error of withCause) assert.equal(error.cause, CAUSE);
  for (const [error] of ERRORS) assert.equal("cause" in error, false);
});

Deno.test("a handshake error has properties only for the known parts of the response", () => {
  const headers = new Headers({ "retry-after": "5" });
  const full = new HandshakeError("STATUS_UNEXPECTED", "words", {
    status: 503,
    headers,
    body: "overloaded",
  });
  assert.deepEqual([full.status, full.headers, full.body], [503, headers, "overloaded"]);
  const bare = new HandshakeError("STATUS_UNEXPECTED", "words");
  assert.deepEqual([bare.status, bare.headers, bare.body], [undefined, undefined, undefined]);
});
