import assert from "node:assert/strict";
import {
  checkInteger,
  checkNames,
  checkOneOf,
  checkSignal,
  checkType,
  show,
  wrongType,
} from "../../src/shared/check.ts";

for (
  const [value, text] of [
    ["short", '"short"'],
    ["x".repeat(60), `"${"x".repeat(60)}"`],
    ["x".repeat(61), `"${"x".repeat(60)}..."`],
    [7, "7"],
    [NaN, "NaN"],
    [10n, "10"],
    [true, "true"],
    [null, "null"],
    [undefined, "undefined"],
    [[1, 2], "an array"],
    [{}, "an object"],
    [Promise.resolve("text"), "a promise (is an await missing?)"],
    [{ then: () => {} }, "a promise (is an await missing?)"],
    [{
      get then(): never {
        throw new Error("a getter that throws");
      },
    }, "an object"],
    [new Uint8Array(1000), "an object"],
    [Object.create(null), "an object"],
    [() => {}, "a function"],
    [class {}, "a function"],
    [Symbol("secret"), "a symbol"],
  ] as [unknown, string][]
) {
  Deno.test(`shows ${text.slice(0, 30)} in an error message`, () => {
    assert.equal(show(value), text);
  });
}

Deno.test("the error for a wrong type names the option, the expected type and the given value", () => {
  assert.throws(() => {
    throw wrongType("text", '"string" or "bytes"', 7);
  }, { name: "TypeError", message: 'Option "text" must be "string" or "bytes", got 7' });
});

Deno.test("an absent option passes every check", () => {
  checkInteger("n", undefined, 1, 2, "bytes");
  checkType("n", undefined, "boolean");
  checkOneOf("n", undefined, ["a"]);
});

Deno.test("accepts an integer from its minimum to its maximum inclusive", () => {
  for (const value of [1, 2, 10]) checkInteger("n", value, 1, 10, "bytes");
  for (const value of [0, 11, -1, 1.5, NaN, Infinity, -Infinity]) {
    assert.throws(() => checkInteger("n", value, 1, 10, "bytes"), {
      name: "RangeError",
      message: `Option "n" must be an integer from 1 to 10 (bytes), got ${value}`,
    });
  }
});

Deno.test("rejects a value that is not a number with a TypeError, even a numeric string", () => {
  for (const value of ["5", 5n, null, true, [5], {}, () => 5]) {
    assert.throws(() => checkInteger("n", value, 1, 10, "bytes"), {
      name: "TypeError",
      message: /^Option "n" must be a number of bytes, got /,
    });
  }
});

Deno.test("checks a type by its name", () => {
  checkType("flag", false, "boolean");
  checkType("name", "", "string");
  checkType("handler", () => {}, "function");
  assert.throws(() => checkType("flag", 0, "boolean"), {
    name: "TypeError",
    message: 'Option "flag" must be a boolean, got 0',
  });
  assert.throws(() => checkType("name", null, "string"), TypeError);
  assert.throws(() => checkType("handler", {}, "function"), TypeError);
});

Deno.test("accepts one of several values, and the error lists them", () => {
  checkOneOf("text", "bytes", ["string", "bytes"]);
  for (const value of ["Bytes", "", null, 1, ["bytes"]]) {
    assert.throws(() => checkOneOf("text", value, ["string", "bytes"]), {
      name: "TypeError",
      message: /^Option "text" must be a? ?"string" or "bytes", got /,
    });
  }
});

Deno.test("rejects an unknown option, so that misspelled options are not ignored", () => {
  checkNames("Options", {}, ["a", "b"]);
  checkNames("Options", { a: 1, b: undefined }, ["a", "b"]);
  assert.throws(() => checkNames("Options", { a: 1, c: 2 }, ["a", "b"]), {
    name: "TypeError",
    message: 'Unknown option "c". Options can have: a, b',
  });
});

const KNOWN = ["message", "maxMessageSize", "handshakeTimeout", "open", "close", "subprotocols"];
const TIMES = ["readTimeout", "pongTimeout"];

for (
  const [given, meant] of [
    ["onMessage", "message"],
    ["onmessage", "message"],
    ["Message", "message"],
    ["mesage", "message"],
    ["messgae", "message"],
    ["max_message_size", "maxMessageSize"],
    ["maxMesageSize", "maxMessageSize"],
    ["handshakeTimout", "handshakeTimeout"],
    ["onOpen", "open"],
    ["clsoe", "close"],
    ["protocols", "subprotocols"],
  ] as const
) {
  Deno.test(`suggests "${meant}" for the unknown option "${given}"`, () => {
    assert.throws(() => checkNames("The options of connect", { [given]: 1 }, KNOWN), {
      name: "TypeError",
      message: `Unknown option "${given}". Did you mean "${meant}"?`,
    });
  });
}

Deno.test("suggests all names that contain the unknown option", () => {
  assert.throws(() => checkNames("The options of connect", { timeout: 1 }, [...TIMES, "open"]), {
    message: 'Unknown option "timeout". Did you mean "readTimeout" or "pongTimeout"?',
  });
});

Deno.test("lists all options if none is similar to the unknown option", () => {
  for (const given of ["port", "x", "", "__proto__x", "o"]) {
    assert.throws(() => checkNames("The options of connect", { [given]: 1 }, KNOWN), {
      message: `Unknown option "${given}". The options of connect can have: ${KNOWN.join(", ")}`,
    });
  }
});

Deno.test("shows an unknown nested option with the name of its parent", () => {
  assert.throws(() => checkNames('Option "tls"', { caCert: "" }, ["caCerts", "cert"]), {
    message: 'Unknown option "tls.caCert". Did you mean "tls.caCerts"?',
  });
  assert.throws(() => checkNames('Option "tls"', { other: "" }, ["caCerts", "cert"]), {
    message: 'Unknown option "tls.other". Option "tls" can have: caCerts, cert',
  });
});

Deno.test("checks a very long unknown name quickly, and the error shows only a part of it", () => {
  assert.throws(() => checkNames("Options", { ["m".repeat(1e6)]: 1 }, KNOWN), {
    message: new RegExp(`^Unknown option "m{60}\\.\\.\\."\\. Options can have: `),
  });
});

Deno.test("rejects options that are not an object", () => {
  for (const value of [undefined, null, 7, "text", [], () => {}]) {
    assert.throws(() => checkNames("Options", value, []), {
      name: "TypeError",
      message: /^Options must be an object, got /,
    });
  }
});

Deno.test("accepts the signal of an AbortController, and undefined", () => {
  checkSignal(undefined);
  checkSignal(new AbortController().signal);
  checkSignal(AbortSignal.abort());
  assert.throws(() => checkSignal(new AbortController()), TypeError);
});

Deno.test("options must be a plain object, not a promise, Map, Set or Date", () => {
  class Options {
    level = 1;
  }
  for (const value of [{}, { level: 1 }, Object.create(null), new Options()]) {
    checkNames('Option "bag"', value, ["level"]);
  }
  assert.throws(() => checkNames('Option "bag"', Promise.resolve({}), ["level"]), {
    name: "TypeError",
    message: 'Option "bag" must be an object, got a promise (is an await missing?)',
  });
  const wrong: [unknown, RegExp][] = [
    [new Map([["level", 1]]), /type Map$/],
    [new Set(), /type Set$/],
    [new Date(), /type Date$/],
    [/x/, /type RegExp$/],
    [new Error("x"), /type Error$/],
    [new Uint8Array(), /type Uint8Array$/],
    [Object("x"), /type String$/],
    [new URL("ws://a"), /type URL$/],
    [[], /got an array$/],
  ];
  for (const [value, message] of wrong) {
    assert.throws(() => checkNames('Option "bag"', value, ["level"]), {
      name: "TypeError",
      message,
    });
  }
});
