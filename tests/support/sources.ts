// Sources of messages that are sent in fragments, and their form on the wire.

import { quiet } from "./socket_harness.ts";
import { toHex, type WireFrame } from "./vectors.ts";

/** The chunks of a source. */
export type Chunk = string | Uint8Array;

/** Frames as opcode, FIN and payload. */
export function show(frames: readonly WireFrame[]): string[] {
  return frames.map(({ opcode, fin, payload }) =>
    `${opcode}${fin ? "!" : ""} ${new TextDecoder().decode(payload)}`.trimEnd()
  );
}

/** The payload of the message that fragments make up. */
export function joined(frames: readonly WireFrame[]): string {
  return frames.map(({ payload }) => toHex(payload)).join("");
}

/** A stream whose chunks the test provides one by one. */
export class Source {
  readonly stream: ReadableStream<Chunk>;
  canceled = false;
  #controller!: ReadableStreamDefaultController<Chunk>;

  constructor() {
    this.stream = new ReadableStream<Chunk>({
      start: (controller) => void (this.#controller = controller),
      cancel: () => void (this.canceled = true),
    });
  }

  async push(...chunks: Chunk[]): Promise<void> {
    for (const chunk of chunks) this.#controller.enqueue(chunk);
    await quiet();
  }

  async end(): Promise<void> {
    this.#controller.close();
    await quiet();
  }

  async fail(error: unknown): Promise<void> {
    this.#controller.error(error);
    await quiet();
  }
}

/** A source that returns these chunks. */
export async function* generator(...chunks: Chunk[]): AsyncGenerator<Chunk> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}
