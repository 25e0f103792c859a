// Opens a connection to a server over whichever runtime's sockets it is given.

import { ConnectionError, TimeoutError, WebSocketError } from "../errors.ts";
import { encodeKey } from "../handshake/accept_key.ts";
import { offerDeflate, PERMESSAGE_DEFLATE } from "../handshake/deflate_offer.ts";
import { buildRequest } from "../handshake/request.ts";
import type { Network, Transport } from "../transport/transport.ts";
import { show } from "../shared/check.ts";
import { Channel, type ChannelContext } from "../connection/channel.ts";
import { type ConnectOptions, connectRules, parseTarget, type Target } from "./connect_options.ts";
import type { Connection } from "../connection/connection.ts";
import { type Dialled, dialThroughProxy } from "./proxy_dial.ts";
import { findProxy } from "./proxy_url.ts";
import { headerLines } from "../shared/header_lines.ts";
import { type Answered, Outgoing } from "./outgoing.ts";
import { randomMask, randomNonce } from "../shared/random.ts";
import { logError } from "../shared/log_error.ts";
import { timers, type TimerTarget } from "../shared/timer_wheel.ts";
import { untilAborted } from "../shared/until_aborted.ts";

const NOTHING = new Uint8Array(0);

/**
 * Opens a connection over `network`.
 *
 * @throws {TypeError | RangeError} When the URL or an option is wrong; the promise rejects with it.
 * @throws {ConnectionError} `CONNECT_FAILED` or `CONNECTION_LOST`.
 * @throws {HandshakeError} When the server refuses, or answers what it must not.
 * @throws {TimeoutError} `HANDSHAKE_TIMEOUT`.
 */
export async function connectOver<T>(
  network: Network,
  url: string | URL,
  options: ConnectOptions<T>,
): Promise<Connection<T>> {
  const rules = connectRules(options);
  const target = parseTarget(url);
  const key = encodeKey(randomNonce());
  const extensions = rules.compression && offerDeflate(rules.compression);
  const request = requestBytes(target, key, extensions, options);
  const context: ChannelContext<T> = {
    connectionRules: rules,
    handlers: options,
    masks: randomMask,
    reportError: logError,
  };
  const deadline = new Deadline(options.handshakeTimeout ?? 30_000, options.signal);
  try {
    const { transport, rest } = await dial(network, target, options, deadline.signal);
    return await new Promise<Connection<T>>((resolve, reject) => {
      const { compression } = rules;
      const offeredExtensions = compression === undefined ? [] : [PERMESSAGE_DEFLATE];
      const expected = { key, subprotocols: options.subprotocols, offeredExtensions };
      const outgoing = new Outgoing(
        transport,
        expected,
        compression,
        (answered) => resolve(openChannel(context, transport, target, answered, options.data as T)),
        reject,
      );
      deadline.onAbort((reason) => {
        if (reason instanceof TimeoutError) outgoing.giveUp(reason);
        else outgoing.fail(reason);
      });
      outgoing.start(request, rest);
      // A tunnel through a proxy is handed over paused.
      transport.resume();
    });
  } finally {
    deadline.end();
  }
}

function requestBytes<T>(
  target: Target,
  key: string,
  extensions: string | undefined,
  options: ConnectOptions<T>,
): Uint8Array {
  const headers = [...headerLines(options.headers) ?? []];
  const { authorization } = target;
  if (authorization !== undefined && !headers.some(([name]) => /^authorization$/i.test(name))) {
    headers.push(["Authorization", authorization]);
  }
  const { host, path } = target;
  const { subprotocols, origin } = options;
  return buildRequest({ host, target: path, key, subprotocols, extensions, origin, headers });
}

async function dial<T>(
  network: Network,
  target: Target,
  options: ConnectOptions<T>,
  signal: AbortSignal,
): Promise<Dialled> {
  const { hostname, port, secure } = target;
  const { noDelay = true, readBufferSize } = options;
  const tls = secure ? options.tls ?? {} : undefined;
  const address = { hostname, port, tls, noDelay, readBufferSize, signal };
  const proxy = findProxy(options.proxy, target.url);
  try {
    signal.throwIfAborted();
    if (proxy !== undefined) return await dialThroughProxy(network, proxy, address, options.tls);
    const dialing = options.dial === undefined ? network.dial(address) : options.dial(address);
    // A dialer that does not heed the signal must neither hold up the caller nor leave a socket open.
    const transport = await untilAborted(dialing, signal, (late) => late.destroy());
    return { transport, rest: NOTHING };
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    if (proxy !== undefined && cause instanceof WebSocketError) throw cause;
    const why = cause instanceof Error ? cause.message : show(cause);
    throw new ConnectionError("CONNECT_FAILED", `Cannot connect to ${target.url}: ${why}`, {
      cause,
    });
  }
}

function openChannel<T>(
  context: ChannelContext<T>,
  transport: Transport,
  target: Target,
  answered: Answered,
  data: T,
): Connection<T> {
  const { handshake, agreement, congested } = answered;
  const info = {
    url: target.url,
    status: handshake.status,
    headers: handshake.fields,
    protocol: handshake.protocol,
    extensions: handshake.extensions,
  };
  const channel = new Channel<T>(context, transport, info, data, undefined, agreement);
  const { rest } = handshake;
  channel.start({ rest: rest.length > 0 ? [rest] : [], ended: false, congested });
  return channel.connection;
}

/** The time and the user's signal that an opening handshake has, as one signal. */
class Deadline implements TimerTarget {
  readonly #controller = new AbortController();
  readonly #timeout: number;
  readonly #timer;
  readonly #outer: AbortSignal | undefined;
  readonly #abort = (): void => this.#controller.abort(this.#outer?.reason);

  constructor(timeout: number, outer: AbortSignal | undefined) {
    this.#timeout = timeout;
    this.#outer = outer;
    this.#timer = timeout > 0 ? timers.start(timeout, this, 0) : undefined;
    if (outer?.aborted) this.#abort();
    else outer?.addEventListener("abort", this.#abort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  onAbort(listener: (reason: unknown) => void): void {
    if (this.signal.aborted) listener(this.signal.reason);
    else this.signal.addEventListener("abort", () => listener(this.signal.reason), { once: true });
  }

  timerFired(): void {
    this.#controller.abort(
      new TimeoutError(
        "HANDSHAKE_TIMEOUT",
        `The connection was not open within ${this.#timeout} ms (option handshakeTimeout)`,
      ),
    );
  }

  end(): void {
    timers.cancel(this.#timer);
    this.#outer?.removeEventListener("abort", this.#abort);
  }
}
