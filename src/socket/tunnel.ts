// Speaks with a proxy over a transport until the stream behind it is ours.

import { ConnectionError } from "../errors.ts";
import type { ProxyDialogue } from "../proxy/dialogue.ts";
import type { Transport, TransportSink } from "../transport/transport.ts";

/**
 * Holds a dialogue with a proxy over `transport`.
 *
 * @returns The bytes of the target that came behind the dialogue. The transport is paused and needs
 * another sink.
 * @throws {ConnectionError} When the proxy refuses, does not speak the protocol, or is lost.
 */
export function openTunnel(transport: Transport, dialogue: ProxyDialogue): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    new Tunnel(transport, dialogue, resolve, reject).start();
  });
}

class Tunnel implements TransportSink {
  readonly #transport: Transport;
  readonly #dialogue: ProxyDialogue;
  readonly #done: (rest: Uint8Array) => void;
  readonly #failed: (error: unknown) => void;
  /** What waits while an earlier write is under way. */
  #output: Uint8Array | undefined;
  #writing = false;

  constructor(
    transport: Transport,
    dialogue: ProxyDialogue,
    done: (rest: Uint8Array) => void,
    failed: (error: unknown) => void,
  ) {
    this.#transport = transport;
    this.#dialogue = dialogue;
    this.#done = done;
    this.#failed = failed;
  }

  start(): void {
    this.#write(this.#dialogue.begin());
    this.#transport.start(this);
  }

  data(chunk: Uint8Array): void {
    try {
      if (this.#dialogue.done) {
        // Arrived before the pause took hold; there is nothing to lose it to.
        throw new ConnectionError("PROXY_FAILED", "The proxy sent more than its answer too early");
      }
      const output = this.#dialogue.receive(chunk);
      if (output.length > 0) this.#write(output);
      this.#finishIfDone();
    } catch (error) {
      this.#transport.destroy();
      this.#failed(error);
    }
  }

  drain(): void {
    this.#writing = false;
    const output = this.#output;
    this.#output = undefined;
    if (output !== undefined) this.#write(output);
    this.#finishIfDone();
  }

  end(): void {
    this.#lost();
  }

  closed(cause?: Error): void {
    this.#lost(cause);
  }

  #write(bytes: Uint8Array): void {
    if (this.#writing) this.#output = bytes;
    else this.#writing = !this.#transport.write(bytes, bytes.length);
  }

  #finishIfDone(): void {
    if (!this.#dialogue.done || this.#writing) return;
    this.#transport.pause();
    this.#done(this.#dialogue.rest);
  }

  #lost(cause?: Error): void {
    this.#transport.destroy();
    this.#failed(
      new ConnectionError("PROXY_FAILED", "The proxy ended the connection during its dialogue", {
        cause,
      }),
    );
  }
}
