// Creates sessions without sockets, and input for them.

import {
  type FrameOutput,
  type MaskSource,
  type MessageOpcode,
  Opcode,
  Session,
  type SessionRules,
  writeFrame,
} from "../../src/core.ts";

const FIN = 0x80;
const MAX_HEADER = 14;

const mask: MaskSource = () => 0x1f2e3d4c;

/** Output that discards all frames: each overwrites the previous one. */
class Discard implements FrameOutput {
  readonly offset = 0;
  #memory = new Uint8Array(65536);

  reserve(size: number): Uint8Array {
    if (size > this.#memory.length) this.#memory = new Uint8Array(size);
    return this.#memory;
  }

  commit(_size: number): void {}
}

/** Output that keeps all frames. */
class Collect implements FrameOutput {
  bytes: Uint8Array<ArrayBuffer>;
  offset = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  reserve(_size: number): Uint8Array {
    return this.bytes;
  }

  commit(size: number): void {
    this.offset += size;
  }
}

/** Returns an open session that discards input and output. */
export function openSession(side: "client" | "server", rules: Partial<SessionRules> = {}): Session {
  const nothing = (): void => {};
  const session = new Session(
    {
      masked: side === "server",
      rsv1: false,
      maxMessageSize: 2 ** 30,
      maxFragments: 2 ** 30,
      text: "string",
      utf8Check: true,
      autoPong: true,
      ...rules,
    },
    { onText: nothing, onBytes: nothing, onPing: nothing, onPong: nothing },
    {
      onClosed: nothing,
      startCloseTimer: nothing,
      endOutput: nothing,
      cutStream: nothing,
      congested: false,
    },
    new Discard(),
    side === "client" ? mask : undefined,
  );
  session.open();
  return session;
}

/** Returns `count` messages with the same payload, framed for a session on `side` to receive. */
export function messagesFor(
  side: "client" | "server",
  opcode: MessageOpcode,
  payload: Uint8Array,
  count: number,
): Uint8Array<ArrayBuffer> {
  const output = new Collect(count * (payload.length + MAX_HEADER));
  for (let index = 0; index < count; index++) {
    writeFrame(
      output,
      FIN | opcode,
      payload,
      0,
      payload.length,
      side === "server" ? mask : undefined,
    );
  }
  return output.bytes.slice(0, output.offset);
}

/** Returns one message in fragments of the given size. */
export function fragmentsFor(
  side: "client" | "server",
  payload: Uint8Array,
  size: number,
): Uint8Array<ArrayBuffer> {
  const count = Math.ceil(payload.length / size);
  const output = new Collect(payload.length + count * MAX_HEADER);
  for (let index = 0; index < count; index++) {
    const opcode = index === 0 ? Opcode.Binary : Opcode.Continuation;
    const end = Math.min(payload.length, (index + 1) * size);
    const first = index === count - 1 ? FIN | opcode : opcode;
    writeFrame(output, first, payload, index * size, end, side === "server" ? mask : undefined);
  }
  return output.bytes.slice(0, output.offset);
}
