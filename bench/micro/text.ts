// `REPLACEMENT`, `DECODE_LOOP_LIMIT` and `ENCODE_LOOP_LIMIT` in src/message/utf8.ts: how to detect
// invalid text, and the length up to which a loop is faster than the runtime's decoder and encoder.
// `LONG_TEXT` in src/message/message_writer.ts: the length above which reserving three bytes per
// character costs more than a copy.

import { Buffer } from "node:buffer";
import type { TextMethods } from "../../src/shared/text_methods.ts";
import { Views } from "../../src/wire/views.ts";
import { type Choice, repeated } from "./compare.ts";

const REPEAT = 100;
const LONG_REPEAT = 4;
const TEXT = "The quick brown fox jumps over the lazy dog. ";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

function textOf(size: number): string {
  // Decoding produces a flat string, like text from a file or a peer.
  return decoder.decode(encoder.encode(TEXT.repeat(Math.ceil(size / TEXT.length)).slice(0, size)));
}

function loopDecode(bytes: Uint8Array, end: number): string {
  let text = "";
  let at = 0;
  while (at < end && bytes[at]! < 0x80) text += String.fromCharCode(bytes[at++]!);
  return text;
}

export const decoding: Choice = {
  constant: "DECODE_LOOP_LIMIT, src/message/utf8.ts",
  unit: "a text",
  size: "bytes of ASCII",
  sizes: [4, 8, 12, 16, 24, 32],
  implementations: {
    "loop": (size) => {
      const bytes = encoder.encode(`${textOf(size)}more of the chunk`);
      return repeated(REPEAT, () => void loopDecode(bytes, size));
    },
    "TextDecoder": (size) => {
      const bytes = encoder.encode(`${textOf(size)}more of the chunk`);
      return repeated(REPEAT, () => void decoder.decode(bytes.subarray(0, size)));
    },
  },
  units: REPEAT,
};

export const checking: Choice = {
  constant: "REPLACEMENT, src/message/utf8.ts",
  unit: "a text",
  size: "bytes of ASCII",
  sizes: [16, 64, 128, 1024, 16384],
  implementations: {
    "decoder that throws": (size) => {
      const bytes = encoder.encode(textOf(size));
      return repeated(REPEAT, () => void strictDecoder.decode(bytes));
    },
    "decoder that replaces, and a search": (size) => {
      const bytes = encoder.encode(textOf(size));
      return repeated(REPEAT, () => void decoder.decode(bytes).includes("\ufffd"));
    },
  },
  units: REPEAT,
};

function loopEncode(text: string, target: Uint8Array, offset: number): number {
  let index = 0;
  for (; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) break;
    target[offset + index] = unit;
  }
  return index;
}

export const encoding: Choice = {
  constant: "ENCODE_LOOP_LIMIT, src/message/utf8.ts",
  unit: "a text",
  size: "characters of ASCII",
  sizes: [8, 16, 32, 48, 64, 128],
  implementations: {
    "loop": (size) => {
      const text = textOf(size);
      const target = new Uint8Array(65536);
      return repeated(REPEAT, () => void loopEncode(text, target, 4));
    },
    "encodeInto": (size) => {
      const text = textOf(size);
      const target = new Uint8Array(65536);
      return repeated(REPEAT, () => void encoder.encodeInto(text, target.subarray(4)));
    },
  },
  units: REPEAT,
};

export const longText: Choice = {
  constant: "LONG_TEXT, src/message/message_writer.ts",
  unit: "a text",
  size: "characters of ASCII",
  sizes: [2048, 4096, 8192, 16384, 65536],
  implementations: {
    // If other output is already buffered, the reserved memory must be allocated.
    "reserve three bytes per character": (size) => {
      const text = textOf(size);
      return repeated(LONG_REPEAT, () => {
        const target = new Uint8Array(3 * size + 14);
        encoder.encodeInto(text, target.subarray(4));
      });
    },
    "separate memory, and a copy": (size) => {
      const text = textOf(size);
      return repeated(LONG_REPEAT, () => {
        const bytes = encoder.encode(text);
        const target = new Uint8Array(bytes.length + 14);
        target.set(bytes, 4);
      });
    },
  },
  units: LONG_REPEAT,
};

const { utf8Slice, utf8Write } = Buffer.prototype as TextMethods;

/** Decodes with the runtime's own method, from one large array. */
export const decodingShort: Choice = {
  constant: "METHOD_LIMIT, src/message/utf8.ts",
  unit: "a text",
  size: "bytes of ASCII",
  sizes: [16, 64, 128, 256, 512, 1024],
  implementations: {
    "TextDecoder": (size) => {
      const bytes = encoder.encode(textOf(65_536));
      const views = new Views();
      return repeated(REPEAT, () => void decoder.decode(views.of(bytes, 0, size)));
    },
    ...(utf8Slice === undefined ? {} : {
      "utf8Slice": (size: number) => {
        const bytes = encoder.encode(textOf(65_536));
        return repeated(REPEAT, () => void utf8Slice.call(bytes, 0, size));
      },
    }),
  },
  units: REPEAT,
};

/** Encodes with the runtime's own method. */
export const encodingShort: Choice = {
  constant: "utf8Write, src/transport/bun.ts",
  unit: "a text",
  size: "characters of ASCII",
  sizes: [33, 64, 128, 1024, 8192],
  implementations: {
    "TextEncoder": (size) => {
      const text = textOf(size);
      const target = new Uint8Array(65_536);
      const views = new Views();
      return repeated(REPEAT, () => void encoder.encodeInto(text, views.of(target, 4, 65_536)));
    },
    ...(utf8Write === undefined ? {} : {
      "utf8Write": (size: number) => {
        const text = textOf(size);
        const target = new Uint8Array(65_536);
        return repeated(REPEAT, () => void utf8Write.call(target, text, 4, 3 * size));
      },
    }),
  },
  units: REPEAT,
};
