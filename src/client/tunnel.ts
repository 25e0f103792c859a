// Speaks with a proxy over a transport until the stream behind it is ours.

import { ConnectionError } from "../errors.ts";
import type { ProxyDialogue } from "../proxy/dialogue.ts";
import type { Transport, TransportSink } from "../transport/transport.ts";

/**
 * Holds a dialogue with a proxy over `transport`.
 *
 * @returns The bytes of the target that came behind the dialogue. The transport is paused and needs
 * another sink.
 * @throws {ConnectionError} When the proxy refuses, does not speak the protocol, or is lost; the
 * transport is cut.
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
  readonly #output: Uint8Array[] = [];
  #writing = false;
  #over = false;

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
    if (this.#over) return;
    try {
      this.#write(this.#dialogue.receive(chunk));
    } catch (error) {
      this.#fail(error);
      return;
    }
    // At once, also while the last write is under way: what comes now is for another sink.
    if (this.#dialogue.done) this.#transport.pause();
    this.#finishIfDone();
  }

  drain(): void {
    this.#writing = false;
    while (!this.#writing && this.#output.length > 0) this.#write(this.#output.shift()!);
    this.#finishIfDone();
  }

  end(): void {
    this.#lost();
  }

  closed(cause?: Error): void {
    this.#lost(cause);
  }

  #write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#writing) this.#output.push(bytes);
    else this.#writing = !this.#transport.write(bytes, bytes.length);
  }

  #finishIfDone(): void {
    if (this.#over || this.#writing || !this.#dialogue.done) return;
    this.#over = true;
    this.#done(this.#dialogue.rest);
  }

  #lost(cause?: Error): void {
    const why = cause === undefined ? "" : `: ${cause.message}`;
    this.#fail(
      new ConnectionError("PROXY_FAILED", `The proxy was lost before its tunnel stood${why}`, {
        cause,
      }),
    );
  }

  #fail(error: unknown): void {
    // Once the tunnel stands the transport is somebody else's.
    if (this.#over) return;
    this.#over = true;
    this.#transport.destroy();
    this.#failed(error);
  }
}
