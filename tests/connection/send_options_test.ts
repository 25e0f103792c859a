import assert from "node:assert/strict";
import { type SendOptions, wantsCompression } from "../../src/connection/arguments.ts";

Deno.test("compresses a message unless the options disable it", () => {
  for (
    const [options, wanted] of [
      [undefined, true],
      [{}, true],
      [{ compress: undefined }, true],
      [{ compress: true }, true],
      [{ compress: false }, false],
    ] as [SendOptions | undefined, boolean][]
  ) {
    assert.equal(wantsCompression("send", options), wanted);
  }
});

Deno.test("rejects invalid options with a TypeError that shows them", () => {
  for (
    const [options, message] of [
      [null, "The options of sendStream must be an object, got null"],
      [true, "The options of sendStream must be an object, got true"],
      [{ compress: 1 }, 'Option "compress" must be a boolean, got 1'],
      [
        { compres: true },
        /^Unknown option "compres"\. Did you mean "compress"\?$/,
      ],
    ] as [unknown, string | RegExp][]
  ) {
    assert.throws(() => wantsCompression("sendStream", options as SendOptions), {
      name: "TypeError",
      message,
    });
  }
});
