// Records the frames that a reader delivers, in one format for whole frames and parts.

import assert from "node:assert/strict";
import { WebSocketError } from "../../src/errors.ts";
import { FrameReader, type FrameSink } from "../../src/wire/frame_reader.ts";
import type { FrameRules } from "../../src/wire/header.ts";
import type { Consumer } from "./replay.ts";

/** A delivered frame, or the code of the error that stopped the reader. */
export type FrameEvent = { first: number; payload: Uint8Array } | { error: string };

/** A reader and the frames it has delivered. */
export class FrameRecorder implements FrameSink, Consumer<FrameEvent> {
  readonly events: FrameEvent[] = [];
  readonly reader: FrameReader;
  #first = 0;
  #length = 0;
  #payload: Uint8Array<ArrayBuffer> | undefined;
  #failed = false;

  constructor(rules: FrameRules) {
    this.reader = new FrameReader(rules, this);
  }

  /** Reads bytes, unless the reader has failed. Records an error as an event. */
  read(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    if (this.#failed) return;
    try {
      assert.equal(this.reader.read(bytes, start, end), end);
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      this.#failed = true;
      this.events.push({ error: error.code });
    }
  }

  frame(first: number, bytes: Uint8Array, start: number, end: number): void {
    assert.equal(this.#payload, undefined, "a frame inside a frame");
    this.events.push({ first, payload: bytes.slice(start, end) });
  }

  frameStart(first: number, length: number): void {
    assert.equal(this.#payload, undefined, "a frame inside a frame");
    assert.ok(length > 0, "an empty frame is never delivered in parts");
    this.#first = first;
    this.#length = 0;
    this.#payload = new Uint8Array(length);
  }

  framePiece(bytes: Uint8Array, start: number, end: number): void {
    assert.ok(end > start, "a part is never empty");
    const payload = this.#payload!;
    assert.ok(this.#length + end - start <= payload.length, "the parts are longer than the frame");
    for (let i = start; i < end; i++) payload[this.#length++] = bytes[i]!;
  }

  frameEnd(): void {
    const payload = this.#payload!;
    assert.equal(this.#length, payload.length, "the parts are shorter than the frame");
    this.events.push({ first: this.#first, payload });
    this.#payload = undefined;
  }
}
