// Sessions without a socket, and bytes for them to read.

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

/** Output that is written over and over again; what is in it belongs to nobody. */
class Discard implements FrameOutput {
  readonly offset = 0;
  #memory = new Uint8Array(65536);

  reserve(size: number): Uint8Array {
    if (size > this.#memory.length) this.#memory = new Uint8Array(size);
    return this.#memory;
  }

  commit(_size: number): void {}
}

/** Output that grows. */
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

/** An open session that throws away what it reads and writes. */
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

/** Frames as the other side of `side` sends them: `count` messages of the same payload. */
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

/** The frames of one message whose payload comes in fragments of the given size. */
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
