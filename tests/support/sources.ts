// Sources of messages that are sent in fragments, and helpers to check the frames.

import { nextMacrotask } from "./socket_harness.ts";
import { toHex, type WireFrame } from "./vectors.ts";

/** A chunk of a source. */
export type Chunk = string | Uint8Array;

/** Formats frames as opcode, FIN (`!`) and payload. */
export function show(frames: readonly WireFrame[]): string[] {
  return frames.map(({ opcode, fin, payload }) =>
    `${opcode}${fin ? "!" : ""} ${new TextDecoder().decode(payload)}`.trimEnd()
  );
}

/** Joins the payloads of fragments. */
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
    await nextMacrotask();
  }

  async end(): Promise<void> {
    this.#controller.close();
    await nextMacrotask();
  }

  async fail(error: unknown): Promise<void> {
    this.#controller.error(error);
    await nextMacrotask();
  }
}

/** A source that yields the given chunks. */
export async function* generator(...chunks: Chunk[]): AsyncGenerator<Chunk> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}
