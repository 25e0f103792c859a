// Invariants of a session for any input: it throws no error, ends once, and reports the same events
// for every chunk split.

import assert from "node:assert/strict";
import fc from "fast-check";
import { WebSocketError } from "../../src/errors.ts";
import type { Session, SessionRules } from "../../src/session/session.ts";
import { Opcode } from "../../src/wire/opcode.ts";
import {
  type Ending,
  Endpoint,
  type EventRecord,
  sessionRules,
  type Side,
} from "../support/endpoint.ts";
import { CLOSE, concat, frame, parseFrames, toHex, utf8 } from "../support/vectors.ts";
import { characters, chunkSizes, chunksOf, mutated, mutations, shortBytes } from "./bytes.ts";
import {
  bytesOf,
  type Compression,
  compressions,
  eventsOf,
  invalidFrames,
  permessage,
  type Plan,
  plans,
} from "./frame_streams.ts";
import { receiveByReference } from "./reference.ts";

const sides: fc.Arbitrary<Side> = fc.constantFrom("client", "server");

const rules: fc.Arbitrary<Partial<SessionRules>> = fc.record({
  text: fc.constantFrom("string", "bytes"),
  maxMessageSize: fc.constantFrom(1, 30, 125, 126, 1000, 65536, 1 << 24, 1 << 24, 1 << 24),
  maxFragments: fc.constantFrom(1, 2, 3, 16384, 16384, 16384),
  autoPong: fc.boolean(),
});

/** The user's action during the stream. */
const reactions: fc.Arbitrary<Reaction> = fc.record({
  /** The index of the event that triggers it, often beyond the last event. */
  at: fc.nat(12),
  what: fc.oneof(
    { weight: 2, arbitrary: fc.constant("nothing" as const) },
    { weight: 1, arbitrary: fc.constantFrom("close", "terminate", "pause", "send") },
  ),
});

interface Reaction {
  readonly at: number;
  readonly what: "nothing" | "close" | "terminate" | "pause" | "send";
}

const keys = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));

/** The parameters of a session, except the chunk split. */
interface Setting {
  readonly side: Side;
  readonly rules: Partial<SessionRules>;
  readonly compression: Compression | undefined;
  readonly congested: boolean;
  readonly reaction: Reaction;
}

const settings: fc.Arbitrary<Setting> = fc.record({
  side: sides,
  rules,
  compression: compressions,
  congested: fc.boolean(),
  reaction: reactions,
});

/** The result of a session. */
interface Outcome {
  readonly events: readonly EventRecord[];
  readonly endings: readonly Ending[];
  readonly sent: string;
}

/** The bytes around a chunk, which must not be modified. */
const CANARY = 0xa5;

/** Runs a session over a stream in chunks of these sizes, until the end. */
function outcomeOf(setting: Setting, stream: Uint8Array, sizes: readonly number[]): Outcome {
  const compression = permessage(setting.compression);
  const all = { ...setting.rules, rsv1: compression !== undefined };
  const endpoint = Endpoint.open(setting.side, all, compression);
  endpoint.congested = setting.congested;
  react(endpoint, setting.reaction);
  for (const chunk of chunksOf(stream, sizes)) receive(endpoint, chunk);
  endpoint.session.receiveEnd();
  endpoint.session.streamClosed();
  endpoint.session.receive(Uint8Array.of(0x89, 0));
  compression?.close();
  const sent = endpoint.takeBytes();
  assertLegal(endpoint, sent, all.maxMessageSize ?? 1 << 24);
  return { events: endpoint.events, endings: endpoint.endings, sent: toHex(sent) };
}

function receive(endpoint: Endpoint, chunk: Uint8Array): void {
  const memory = new Uint8Array(chunk.length + 8).fill(CANARY);
  memory.set(chunk, 3);
  const end = 3 + chunk.length;
  for (let at = 3; at < end;) {
    at = endpoint.session.receive(memory, at, end);
    endpoint.session.resume();
  }
  let isIntact = true;
  for (let at = 0; at < 3; at++) isIntact &&= memory[at] === CANARY;
  for (let at = end; at < memory.length; at++) isIntact &&= memory[at] === CANARY;
  if (!isIntact) assert.fail("writes outside the chunk");
}

function react(endpoint: Endpoint, { at, what }: Reaction): void {
  const { session } = endpoint;
  endpoint.onEvent = () => {
    if (endpoint.events.length - 1 !== at) return;
    if (what === "close") session.close(4000, "enough");
    else if (what === "pause") session.pause();
    else if (what === "send") session.sendText("reply");
    else if (what === "terminate") session.terminate(new WebSocketError("TERMINATED", "Enough"));
  };
}

/**
 * Asserts that the output consists of frames, masked if the side requires it, and that only pongs
 * follow a Close frame.
 */
function assertLegal(endpoint: Endpoint, sent: Uint8Array, maxMessageSize: number): void {
  assert.equal(endpoint.endings.length, 1, "the end is reported once");
  assert.equal(endpoint.session.held, 0, "memory is released");
  const [{ error }] = endpoint.endings;
  assert.notEqual(error, "INTERNAL", String(endpoint.errors[0]?.cause));
  for (const [kind, data] of endpoint.events) {
    const size = kind === "text" ? utf8(data).length : data.length / 2;
    if (kind !== "ping" && kind !== "pong") {
      assert.ok(size <= maxMessageSize, "messages do not exceed the limit");
    }
  }
  const frames = parseFrames(sent);
  assert.ok(frames.every(({ masked }) => masked === (endpoint.side === "client")));
  const closes = frames.filter(({ opcode }) => opcode === CLOSE);
  assert.ok(closes.length <= 1, "at most one Close frame is sent");
}

/** Asserts the same outcome for the whole stream, single bytes, and chunks of these sizes. */
function assertSameForEverySplit(
  setting: Setting,
  stream: Uint8Array,
  sizes: readonly number[],
): Outcome {
  const whole = outcomeOf(setting, stream, [stream.length]);
  assert.deepEqual(outcomeOf(setting, stream, sizes), whole, "in chunks");
  if (stream.length <= 2000) assert.deepEqual(outcomeOf(setting, stream, [1]), whole, "by bytes");
  if (setting.compression === undefined && setting.reaction.what === "nothing") {
    assertMatchesReference(setting, stream, whole);
  }
  return whole;
}

/** Asserts that the reference receiver has the same result. */
function assertMatchesReference(
  setting: Setting,
  stream: Uint8Array,
  { events, endings }: Outcome,
): void {
  const verdict = receiveByReference(stream, sessionRules(setting.side, setting.rules));
  assert.deepEqual(events, verdict.events);
  const [{ error, received }] = endings;
  const end = received === undefined ? error : String(received);
  assert.equal(end, verdict.end ?? "CONNECTION_LOST");
}

const calm = { at: 0, what: "nothing" } as const;

/**
 * A legal conversation, after which the peer disconnects, is received unchanged for every chunk
 * split.
 */
export const legalStreams = fc.property(
  sides,
  compressions,
  plans,
  keys,
  chunkSizes,
  (side, compression, plan, keys, sizes) => {
    const writer = permessage(compression);
    const stream = bytesOf(plan, side, keys, writer);
    writer?.close();
    const setting: Setting = { side, rules: {}, compression, congested: false, reaction: calm };
    const { events, endings } = assertSameForEverySplit(setting, stream, sizes);
    assert.deepEqual(events, eventsOf(plan));
    assert.equal(endings[0].error, "CONNECTION_LOST");
  },
);

/** The outcome of a damaged conversation does not depend on the chunk split. */
export const damagedStreams = fc.property(
  settings,
  plans,
  keys,
  mutations,
  chunkSizes,
  (setting, plan, keys, what, sizes) => {
    assertSameForEverySplit(setting, mutated(planned(plan, setting, keys), what), sizes);
  },
);

/** Frames with random errors after a legal conversation. */
export const invalidStreams = fc.property(
  settings,
  plans,
  keys,
  fc.array(invalidFrames, { maxLength: 6 }),
  chunkSizes,
  (setting, plan, keys, frames, sizes) => {
    const wild = frames.map(({ wrongMask, ...parts }) => {
      const mask = (setting.side === "server") !== wrongMask ? keys : undefined;
      return frame({ ...parts, mask });
    });
    const stream = concat(planned(plan.slice(0, 2), setting, keys), ...wild);
    assertSameForEverySplit(setting, stream, sizes);
  },
);

/** Random bytes instead of frames. */
export const noise = fc.property(
  settings,
  fc.array(shortBytes, { maxLength: 3 }),
  chunkSizes,
  (setting, parts, sizes) => {
    assertSameForEverySplit(setting, concat(...parts), sizes);
  },
);

/** Each side receives the messages of the other, then both close cleanly. */
export const conversations = fc.property(
  sides,
  compressions,
  plans,
  chunkSizes,
  fc.constantFrom(1000, 1001, 3000, 4999),
  fc.string({ unit: characters, maxLength: 30 }),
  (side, agreed, plan, sizes, code, reason) => {
    const compressions = [permessage(agreed), permessage(agreed)];
    const rules = { rsv1: agreed !== undefined };
    const sender = Endpoint.open(side, rules, compressions[0]);
    const other = side === "client" ? "server" : "client";
    const receiver = Endpoint.open(other, rules, compressions[1]);
    for (const item of plan) send(sender.session, item);
    sender.session.close(code, reason);
    for (const chunk of chunksOf(sender.takeBytes(), sizes)) receive(receiver, chunk);
    assert.deepEqual(receiver.events, eventsOf(plan));
    for (const chunk of chunksOf(receiver.takeBytes(), sizes)) receive(sender, chunk);
    for (const { session } of [sender, receiver]) {
      session.receiveEnd();
      session.streamClosed();
    }
    for (const compression of compressions) compression?.close();
    const expected = { code, clean: true, error: undefined };
    for (const { endings } of [sender, receiver]) {
      assert.equal(endings.length, 1);
      const [{ code, clean, error }] = endings;
      assert.deepEqual({ code, clean, error }, expected);
    }
    assert.equal(receiver.endings[0].reason, reason);
  },
);

function planned(
  plan: Plan,
  { side, compression }: Setting,
  keys: readonly number[],
): Uint8Array {
  const writer = permessage(compression);
  const stream = bytesOf(plan, side, keys, writer);
  writer?.close();
  return stream;
}

function send(session: Session, item: Plan[number]): void {
  if (item.kind !== "message") {
    session.sendControl(item.kind === "ping" ? Opcode.Ping : Opcode.Pong, item.payload);
    return;
  }
  const { data, cuts, between, compress } = item;
  if (cuts.length === 0) {
    if (typeof data === "string") session.sendText(data, compress);
    else session.sendBytes(Opcode.Binary, data, compress);
    return;
  }
  const bytes = typeof data === "string" ? utf8(data) : data;
  const ends = [...cuts.map((share) => Math.floor(share * bytes.length)), bytes.length];
  ends.forEach((end, i) => {
    const first = typeof data === "string" ? Opcode.Text : Opcode.Binary;
    const part = bytes.subarray(i === 0 ? 0 : ends[i - 1], end);
    session.sendFragment(i === 0 ? first : Opcode.Continuation, i === ends.length - 1, part);
    if (i === 0) { for (const control of between) send(session, control); }
  });
}
