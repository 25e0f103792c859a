import assert from "node:assert/strict";
import {
  type CompressionOptions,
  type CompressionRules,
  compressionRules,
} from "../../src/connection/compression_options.ts";

const LIMIT = 1 << 30;

const DEFAULTS: CompressionRules = {
  compress: true,
  decompress: true,
  threshold: undefined,
  level: "auto",
  serverContextTakeover: false,
  clientContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
  memoryLimit: LIMIT,
};

const SIDES = [true, false];

Deno.test("compression is off by default", () => {
  for (const isServer of SIDES) {
    for (const option of [undefined, false]) {
      assert.equal(compressionRules(option, isServer, LIMIT), undefined);
    }
  }
});

Deno.test("true, no options and undefined options select the documented defaults", () => {
  const { memoryLimit: _, ...defaults } = DEFAULTS;
  const given = Object.fromEntries(Object.keys(defaults).map((name) => [name, undefined]));
  for (const isServer of SIDES) {
    for (const option of [true, {}, given]) {
      assert.deepEqual(compressionRules(option, isServer, LIMIT), DEFAULTS);
    }
  }
});

Deno.test("applies the given options", () => {
  const options: CompressionOptions = {
    compress: false,
    decompress: true,
    threshold: 0,
    level: "best",
    serverContextTakeover: true,
    clientContextTakeover: true,
    serverMaxWindowBits: 8,
    clientMaxWindowBits: 9,
  };
  for (const isServer of SIDES) {
    assert.deepEqual(compressionRules(options, isServer, LIMIT), {
      ...options,
      memoryLimit: LIMIT,
    });
  }
});

Deno.test("a server with context takeover requests windows of 4 KiB by default", () => {
  const bits = (options: CompressionOptions, isServer: boolean) =>
    compressionRules(options, isServer, LIMIT)!.clientMaxWindowBits;
  assert.equal(bits({ clientContextTakeover: true }, true), 12);
  assert.equal(bits({ clientContextTakeover: true, clientMaxWindowBits: 15 }, true), 15);
  assert.equal(bits({ clientContextTakeover: true }, false), 15);
  assert.equal(bits({ serverContextTakeover: true }, true), 15);
});

Deno.test("disabling both compress and decompress disables negotiation", () => {
  for (const isServer of SIDES) {
    assert.equal(
      compressionRules({ compress: false, decompress: false }, isServer, LIMIT),
      undefined,
    );
    for (const name of ["compress", "decompress"] as const) {
      assert.deepEqual(compressionRules({ [name]: false }, isServer, LIMIT), {
        ...DEFAULTS,
        [name]: false,
      });
    }
  }
});

for (
  const [name, least, most] of [
    ["threshold", 0, 2 ** 31 - 1],
    ["serverMaxWindowBits", 8, 15],
    ["clientMaxWindowBits", 8, 15],
  ] as const
) {
  Deno.test(`compression.${name} is an integer from ${least} to ${most}`, () => {
    for (const value of [least, most]) {
      assert.equal(compressionRules({ [name]: value }, true, LIMIT)![name], value);
    }
    for (const value of [least - 1, most + 1, least + 0.5, NaN, Infinity, -Infinity]) {
      assert.throws(() => compressionRules({ [name]: value }, true, LIMIT), {
        name: "RangeError",
        message: new RegExp(`"compression.${name}" must be an integer from ${least} to ${most} `),
      });
    }
    for (const value of ["9", null, true, [], {}]) {
      assert.throws(() => compressionRules({ [name]: value } as CompressionOptions, true, LIMIT), {
        name: "TypeError",
        message: new RegExp(`"compression.${name}" must be a number`),
      });
    }
  });
}

for (
  const name of [
    "compress",
    "decompress",
    "serverContextTakeover",
    "clientContextTakeover",
  ] as const
) {
  Deno.test(`compression.${name} is a boolean`, () => {
    for (const value of [0, 1, "true", null, {}]) {
      const options = { [name]: value } as CompressionOptions;
      assert.throws(() => compressionRules(options, true, LIMIT), {
        name: "TypeError",
        message: new RegExp(`"compression.${name}" must be a boolean`),
      });
    }
  });
}

Deno.test("compression.level accepts three values", () => {
  for (const level of ["auto", "fast", "best"] as const) {
    assert.equal(compressionRules({ level }, true, LIMIT)!.level, level);
  }
  for (const level of ["", "Best", "toString", 6, null]) {
    assert.throws(() => compressionRules({ level } as CompressionOptions, true, LIMIT), {
      name: "TypeError",
      message: /"compression.level" must be "auto" or "fast" or "best"/,
    });
  }
});

Deno.test("rejects an unknown option by name with a TypeError", () => {
  const misspelt = { windowBits: 10 } as CompressionOptions;
  assert.throws(() => compressionRules(misspelt, true, LIMIT), {
    name: "TypeError",
    message:
      /^Unknown option "compression\.windowBits"\. Did you mean .*"compression\.serverMaxWindowBits"/,
  });
  for (const option of [null, 1, "true", [], () => {}]) {
    assert.throws(() => compressionRules(option as unknown as boolean, true, LIMIT), {
      name: "TypeError",
      message: /compression/,
    });
  }
});
