// Generates streams of frames from a peer: legal conversations with the expected events, and frames
// with random errors.

import fc from "fast-check";
import { PermessageDeflate } from "../../src/message/permessage.ts";
import { Opcode } from "../../src/wire/opcode.ts";
import type { EventRecord, Side } from "../support/endpoint.ts";
import {
  concat,
  CONTINUATION,
  frame,
  type FrameParts,
  PING,
  PONG,
  TEXT,
  toHex,
  utf8,
} from "../support/vectors.ts";
import { mutated, mutations, payloads, shortBytes, texts } from "./bytes.ts";

/** The negotiated compression. */
export interface Compression {
  readonly takeover: boolean;
  readonly windowBits: number;
}

/** The kinds of compression, including none. */
export const compressions: fc.Arbitrary<Compression | undefined> = fc.option(
  fc.record({ takeover: fc.boolean(), windowBits: fc.integer({ min: 8, max: 15 }) }),
  { nil: undefined, freq: 2 },
);

/** Returns the compression of one side. */
export function permessage(agreed: Compression | undefined): PermessageDeflate | undefined {
  if (agreed === undefined) return undefined;
  const rules = {
    compress: true,
    decompress: true,
    threshold: 0,
    level: "auto" as const,
    memoryLimit: 1 << 24,
  };
  return new PermessageDeflate(rules, agreed, agreed);
}

/** A control frame. */
export interface Control {
  readonly kind: "ping" | "pong";
  readonly payload: Uint8Array;
}

/** A message, whole or in fragments, with control frames in between. */
export interface PlannedMessage {
  readonly kind: "message";
  readonly data: string | Uint8Array;
  /** The boundaries of the fragments, as fractions of the message length. */
  readonly cuts: readonly number[];
  /** The control frames after each fragment except the last. */
  readonly between: readonly Control[];
  /** Whether to compress the message, if compression was negotiated. */
  readonly compress: boolean;
}

/** The messages and control frames that a peer sends, in order. */
export type Plan = ReadonlyArray<PlannedMessage | Control>;

const controls: fc.Arbitrary<Control> = fc.record({
  kind: fc.constantFrom("ping", "pong"),
  payload: fc.uint8Array({ maxLength: 125 }).map((bytes) => new Uint8Array(bytes)),
});

const messages: fc.Arbitrary<PlannedMessage> = fc.record({
  kind: fc.constant("message"),
  data: fc.oneof(texts, payloads),
  cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 })
    .map((shares) => shares.sort((a, b) => a - b)),
  between: fc.array(controls, { maxLength: 2 }),
  compress: fc.boolean(),
});

/** Legal conversations. */
export const plans: fc.Arbitrary<Plan> = fc.array(
  fc.oneof({ weight: 3, arbitrary: messages }, { weight: 1, arbitrary: controls }),
  { maxLength: 8 },
);

/** Returns the events that the receiver must report, with text as strings. */
export function eventsOf(plan: Plan): EventRecord[] {
  return plan.flatMap((item): EventRecord[] => {
    if (item.kind !== "message") return [[item.kind, toHex(item.payload)]];
    const { data, cuts, between } = item;
    const controls = cuts.length === 0 ? [] : between;
    const message: EventRecord = typeof data === "string"
      ? ["text", data]
      : ["binary", toHex(data)];
    return [
      ...controls.map((control): EventRecord => [control.kind, toHex(control.payload)]),
      message,
    ];
  });
}

/** Encodes a plan as the peer of `side` sends it, without using the library's frame writer. */
export function bytesOf(
  plan: Plan,
  side: Side,
  keys: readonly number[],
  compression: PermessageDeflate | undefined,
): Uint8Array {
  const encode = (parts: FrameParts): Uint8Array =>
    frame({ ...(side === "server" ? { mask: keys } : undefined), ...parts });
  const control = ({ kind, payload }: Control): Uint8Array =>
    encode({ opcode: kind === "ping" ? PING : PONG, payload });
  const parts: Uint8Array[] = [];
  for (const item of plan) {
    if (item.kind !== "message") {
      parts.push(control(item));
      continue;
    }
    const plain = typeof item.data === "string" ? utf8(item.data) : item.data;
    const packed = item.compress ? compressed(plain, compression) : undefined;
    const payload = packed ?? plain;
    const ends = [...item.cuts.map((share) => Math.floor(share * payload.length)), payload.length];
    ends.forEach((end, i) => {
      const isFirst = i === 0;
      const isLast = i === ends.length - 1;
      parts.push(encode({
        opcode: !isFirst ? CONTINUATION : typeof item.data === "string" ? TEXT : Opcode.Binary,
        rsv: isFirst && packed !== undefined ? 4 : 0,
        fin: isLast,
        payload: payload.subarray(isFirst ? 0 : ends[i - 1], end),
      }));
      if (isFirst && !isLast) parts.push(...item.between.map(control));
    });
  }
  return concat(...parts);
}

function compressed(
  plain: Uint8Array,
  compression: PermessageDeflate | undefined,
): Uint8Array | undefined {
  if (compression === undefined || !compression.wants(plain.length)) return undefined;
  const target = new Uint8Array(compression.bound(plain.length));
  const end = compression.deflate(plain, 0, plain.length, target, 0);
  return end === -1 ? undefined : target.subarray(0, end);
}

/** Usually `undefined`, sometimes a rare value. */
function rarely<T>(rare: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 7, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: rare });
}

/** A frame before masking. */
export type InvalidFrame = Omit<FrameParts, "mask"> & { readonly wrongMask: boolean };

/** Frames with any possible error: bits, opcode, mask, length field, announced length. */
export const invalidFrames: fc.Arbitrary<InvalidFrame> = fc.record({
  fin: fc.boolean(),
  rsv: fc.oneof(
    { weight: 12, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.constant(4) },
    { weight: 1, arbitrary: fc.nat(7) },
  ),
  opcode: fc.oneof({ weight: 20, arbitrary: fc.constantFrom(0, 1, 1, 2, 8, 9, 10) }, {
    weight: 1,
    arbitrary: fc.nat(15),
  }),
  payload: fc.oneof(
    shortBytes,
    texts.map(utf8),
    closePayloads(),
    fc.tuple(texts.map(utf8), mutations).map(([text, what]) => mutated(text, what)),
  ),
  /** Whether the mask bit is wrong for the side. */
  wrongMask: fc.integer({ min: 0, max: 19 }).map((choice) => choice === 0),
  extended: rarely(fc.constantFrom(16 as const, 64 as const)),
  announced: rarely(fc.oneof(
    fc.bigInt({ min: 0n, max: 300n }),
    fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    fc.constantFrom(1n << 31n, (1n << 32n) + 5n, 1n << 53n, 1n << 63n, 9n << 60n, (1n << 63n) - 1n),
  )),
}).map(({ extended, announced, ...parts }) => {
  const length = announced ?? BigInt(parts.payload.length);
  // A length that does not fit into the selected field uses the next larger one.
  const least = length < 126n ? 7 : length < 65536n ? 16 : 64;
  const lengthBits = extended === undefined || extended < least ? least : extended;
  return { ...parts, length, lengthBits };
});

/** The payloads of Close frames: valid and invalid codes, valid and invalid reasons. */
export function closePayloads(): fc.Arbitrary<Uint8Array> {
  return fc.oneof(
    fc.constant(new Uint8Array(0)),
    fc.record({
      code: fc.oneof(
        fc.constantFrom(1000, 1001, 1005, 1006, 1014, 1015, 2999, 3000, 4999, 5000),
        fc.nat(65535),
      ),
      reason: fc.oneof(texts.map(utf8), shortBytes),
    }).map(({ code, reason }) =>
      concat(Uint8Array.of(code >> 8, code & 255), reason.subarray(0, 123))
    ),
    shortBytes.map((bytes) => bytes.slice(0, 125)),
  );
}
