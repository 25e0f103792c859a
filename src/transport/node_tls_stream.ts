/* TLS over any transport, at either end, by `node:tls`, which Deno and Bun have as well. */

import { Duplex } from "node:stream";
import * as tls from "node:tls";
import { tlsIdentity, tlsOptions } from "./node_tls.ts";
import { NodeTransport } from "./node_transport.ts";
import type { TlsClientOptions, TlsServerOptions, Transport } from "./transport.ts";

/** A transport as the stream that `node:tls` wants to speak over. */
class TransportStream extends Duplex {
  readonly #transport: Transport;
  /** Tells the stream that its last write has left. */
  #written: (() => void) | undefined;
  #held = false;

  constructor(transport: Transport) {
    super({ allowHalfOpen: true });
    this.#transport = transport;
    transport.start({
      data: (chunk) => {
        if (!this.push(chunk)) transport.pause();
      },
      drain: () => this.#drained(),
      end: () => this.push(null),
      closed: (error) => this.destroy(error),
    });
  }

  /** Reads nothing from the transport, whatever TLS asks for, or goes on with it. */
  hold(held: boolean): void {
    this.#held = held;
    if (held) this.#transport.pause();
    else this.#transport.resume();
  }

  override _read(): void {
    if (!this.#held) this.#transport.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, written: () => void): void {
    if (this.#transport.write(chunk, chunk.length)) written();
    else this.#written = written;
  }

  override _final(ended: () => void): void {
    this.#transport.end();
    ended();
  }

  override _destroy(error: Error | null, destroyed: (error: Error | null) => void): void {
    this.#transport.destroy();
    destroyed(error);
  }

  #drained(): void {
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }
}

/** Under Deno a paused `TLSSocket` reads on without end, so the stream below it is stopped as well. */
class TlsTransport extends NodeTransport {
  readonly #stream: TransportStream;

  constructor(socket: tls.TLSSocket, stream: TransportStream, transport: Transport) {
    super(socket, transport);
    this.#stream = stream;
  }

  override pause(): void {
    super.pause();
    this.#stream.hold(true);
  }

  override resume(): void {
    this.#stream.hold(false);
    super.resume();
  }

  override end(): void {
    // From inside the peer's end Deno would close the stream without a close_notify.
    queueMicrotask(() => super.end());
  }
}

/** {@linkcode Network.startTls} for every runtime. */
export function startTls(transport: Transport, options: TlsClientOptions): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const stream = new TransportStream(transport);
    const socket = tls.connect({ socket: stream, ...tlsOptions(options) });
    const fail = (error?: Error): void => {
      transport.destroy();
      reject(error ?? new Error("the peer closed the connection in the TLS handshake"));
    };
    const close = (): void => fail();
    socket.once("error", fail);
    socket.once("close", close);
    socket.once("secureConnect", () => {
      socket.removeListener("error", fail);
      socket.removeListener("close", close);
      resolve(new TlsTransport(socket, stream, transport));
    });
  });
}

/**
 * TLS as a server over transports of any kind, each given to the function that is returned. The
 * handshake happens once the result is started.
 *
 * @throws {TypeError} When the certificate or the key cannot be read, or do not belong together.
 */
export function tlsServer(options: TlsServerOptions): (transport: Transport) => Transport {
  const secureContext = tls.createSecureContext(tlsIdentity(options));
  return (transport) => {
    const stream = new TransportStream(transport);
    const socket = new tls.TLSSocket(stream, { isServer: true, secureContext });
    return new TlsTransport(socket, stream, transport);
  };
}
