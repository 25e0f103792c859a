import assert from "node:assert/strict";
import {
  CONNECTION_OPTION_NAMES,
  type ConnectionOptions,
  connectionRules,
  MAX_INT32,
} from "../../src/connection/connection_options.ts";

const MIB = 1024 * 1024;

Deno.test("uses the documented defaults without options", () => {
  for (const masked of [true, false]) {
    const session = {
      masked,
      rsv1: false,
      text: "string",
      utf8Check: true,
      maxMessageSize: 16 * MIB,
      maxFragments: 16384,
      autoPong: true,
    };
    assert.deepEqual(connectionRules({}, masked), {
      ...session,
      compression: undefined,
      whenCompressed: { ...session, rsv1: true },
      closeTimeout: 5000,
      pingInterval: 0,
      pongTimeout: 0,
      readTimeout: 0,
      writeTimeout: 0,
      messageTimeout: 0,
      binaryType: "uint8array",
      unreadTimeout: 30_000,
      maxLifetime: 0,
      memoryLimit: 1024 * MIB,
      rateLimit: undefined,
      delayedWrite: { maxMessages: 10, maxDelay: 10, bufferSize: 8192 },
      highWaterMark: MIB,
      maxBufferedAmount: 64 * MIB,
    });
  }
});

Deno.test("treats an undefined option as absent", () => {
  const given = Object.fromEntries(CONNECTION_OPTION_NAMES.map((name) => [name, undefined]));
  assert.deepEqual(connectionRules(given, true), connectionRules({}, true));
  const delayedWrite = { maxMessages: undefined, maxDelay: undefined, bufferSize: 100 };
  assert.deepEqual(
    connectionRules({ delayedWrite }, true),
    connectionRules({ delayedWrite: { bufferSize: 100 } }, true),
  );
});

Deno.test("applies the given options", () => {
  const session = {
    text: "bytes",
    utf8Check: false,
    maxMessageSize: 1,
    maxFragments: 2,
    autoPong: false,
  } as const;
  const others = {
    closeTimeout: 0,
    pingInterval: 3,
    pongTimeout: 4,
    readTimeout: 5,
    writeTimeout: 6,
    messageTimeout: 13,
    binaryType: "arraybuffer",
    unreadTimeout: 14,
    maxLifetime: 15,
    memoryLimit: 16,
    delayedWrite: { maxMessages: 7, maxDelay: 8, bufferSize: 9 },
    highWaterMark: 10,
    maxBufferedAmount: 11,
  } as const;
  assert.deepEqual(connectionRules({ ...session, ...others }, true), {
    ...session,
    ...others,
    rateLimit: undefined,
    masked: true,
    rsv1: false,
    compression: undefined,
    whenCompressed: { ...session, masked: true, rsv1: true },
  });
});

Deno.test("RSV1 is allowed only with compression", () => {
  const { rsv1, compression, whenCompressed } = connectionRules({ compression: true }, true);
  assert.notEqual(compression, undefined);
  assert.deepEqual([rsv1, whenCompressed.rsv1], [false, true]);
  assert.equal(connectionRules({ compression: false }, true).compression, undefined);
  for (const option of [null, 1, "yes", []]) {
    assert.throws(
      () => connectionRules({ compression: option } as unknown as ConnectionOptions, true),
      { name: "TypeError", message: /"compression"/ },
    );
  }
});

Deno.test("highWaterMark above the default maxBufferedAmount raises maxBufferedAmount", () => {
  const { highWaterMark, maxBufferedAmount } = connectionRules({ highWaterMark: 100 * MIB }, true);
  assert.deepEqual([highWaterMark, maxBufferedAmount], [100 * MIB, 100 * MIB]);
});

Deno.test("maxBufferedAmount below the default highWaterMark lowers highWaterMark", () => {
  const { highWaterMark, maxBufferedAmount } = connectionRules({ maxBufferedAmount: 1000 }, true);
  assert.equal(maxBufferedAmount, 1000);
  assert.ok(highWaterMark <= 1000, `the high water mark is ${highWaterMark}`);
});

Deno.test("the default memoryLimit always allows a message of maxMessageSize", () => {
  const GIB = 1024 * MIB;
  assert.equal(connectionRules({ maxMessageSize: GIB }, true).memoryLimit, 2 * GIB);
  const given = { maxMessageSize: GIB, memoryLimit: 1 };
  assert.equal(connectionRules(given, true).memoryLimit, 1);
});

Deno.test("rejects pongTimeout without pingInterval with a TypeError", () => {
  for (const pingInterval of [undefined, 0]) {
    assert.throws(() => connectionRules({ pongTimeout: 20, pingInterval }, true), {
      name: "TypeError",
      message: /"pongTimeout" \(20\) needs "pingInterval"/,
    });
  }
});

Deno.test("binaryType accepts two values", () => {
  assert.throws(() => connectionRules({ binaryType: "blob" as "arraybuffer" }, true), {
    name: "TypeError",
    message: /"binaryType" must be "uint8array" or "arraybuffer", got "blob"$/,
  });
});

Deno.test("rejects maxBufferedAmount below the given highWaterMark with a RangeError", () => {
  assert.throws(() => connectionRules({ highWaterMark: 10, maxBufferedAmount: 9 }, true), {
    name: "RangeError",
    message: /"maxBufferedAmount" must be an integer from 10 /,
  });
});

for (
  const [name, least, most] of [
    ["maxMessageSize", 1, MAX_INT32],
    ["maxFragments", 1, MAX_INT32],
    ["messageTimeout", 0, MAX_INT32],
    ["memoryLimit", 0, Number.MAX_SAFE_INTEGER],
    ["closeTimeout", 0, MAX_INT32],
    ["pingInterval", 0, MAX_INT32],
    ["pongTimeout", 0, MAX_INT32],
    ["readTimeout", 0, MAX_INT32],
    ["unreadTimeout", 0, MAX_INT32],
    ["maxLifetime", 0, MAX_INT32],
    ["writeTimeout", 0, MAX_INT32],
    ["highWaterMark", 0, MAX_INT32],
    ["maxBufferedAmount", 0, MAX_INT32],
    ["readBufferSize", 512, MIB],
  ] as const
) {
  Deno.test(`${name} is an integer from ${least} to ${most}`, () => {
    const others = name === "pongTimeout" ? { pingInterval: 1 } : {};
    for (const value of [least, most]) connectionRules({ ...others, [name]: value }, true);
    for (const value of [least - 1, most + 1, least + 0.5, NaN, Infinity]) {
      assert.throws(() => connectionRules({ [name]: value }, true), {
        name: "RangeError",
        message: new RegExp(`"${name}".* got ${value}$`),
      });
    }
    for (const value of ["1000", null, 1000n, {}]) {
      assert.throws(() => connectionRules({ [name]: value }, true), {
        name: "TypeError",
        message: new RegExp(`"${name}" must be a number`),
      });
    }
  });
}

for (const name of ["utf8Check", "autoPong", "noDelay"] as const) {
  Deno.test(`${name} is a boolean`, () => {
    for (const value of [true, false]) connectionRules({ text: "bytes", [name]: value }, true);
    for (const value of [0, "true", null, {}]) {
      assert.throws(() => connectionRules({ text: "bytes", [name]: value }, true), {
        name: "TypeError",
        message: new RegExp(`"${name}" must be a boolean`),
      });
    }
  });
}

for (
  const [name, least, most] of [
    ["maxMessages", 1, MAX_INT32],
    ["maxDelay", 1, MAX_INT32],
    ["bufferSize", 1, MIB],
  ] as const
) {
  Deno.test(`delayedWrite.${name} is an integer from ${least} to ${most}`, () => {
    for (const value of [least, most]) {
      const rules = connectionRules({ delayedWrite: { [name]: value } }, true);
      const defaults = connectionRules({}, true).delayedWrite;
      assert.deepEqual(rules.delayedWrite, { ...defaults, [name]: value });
    }
    for (const value of [least - 1, most + 1, 1.5, NaN]) {
      assert.throws(() => connectionRules({ delayedWrite: { [name]: value } }, true), {
        name: "RangeError",
        message: new RegExp(`"delayedWrite.${name}".* got ${value}$`),
      });
    }
  });
}

Deno.test("delayedWrite rejects unknown options", () => {
  for (const delayedWrite of [null, 10, [], { maxMessage: 10 }]) {
    assert.throws(
      () => connectionRules({ delayedWrite } as unknown as ConnectionOptions, true),
      { name: "TypeError", message: /delayedWrite/ },
    );
  }
});

Deno.test("text accepts two values", () => {
  for (const text of ["string", "bytes"] as const) connectionRules({ text }, true);
  for (const text of ["String", "buffer", null, true]) {
    assert.throws(() => connectionRules({ text } as unknown as ConnectionOptions, true), {
      name: "TypeError",
      message: /"text" must be/,
    });
  }
});

Deno.test("rejects disabled UTF-8 validation unless text is delivered as bytes", () => {
  for (const options of [{ utf8Check: false }, { utf8Check: false, text: "string" }] as const) {
    assert.throws(() => connectionRules(options, true), TypeError);
  }
});

Deno.test("subprotocols is an array of distinct tokens", () => {
  connectionRules({ subprotocols: [] }, true);
  connectionRules({ subprotocols: ["chat.v2", "chat"] }, true);
  for (const subprotocols of ["chat", {}, null, 7, new Set(["chat"])]) {
    assert.throws(
      () => connectionRules({ subprotocols } as unknown as ConnectionOptions, true),
      TypeError,
    );
  }
  for (const subprotocols of [[""], ["a b"], ["a,b"], ["a\r\n"], ["caf\u00e9"], ["a", "a"], [7]]) {
    assert.throws(
      () => connectionRules({ subprotocols } as ConnectionOptions, true),
      Error,
      JSON.stringify(subprotocols),
    );
  }
});
