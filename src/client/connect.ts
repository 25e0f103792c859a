// Opens a connection to a server over whichever runtime's sockets it is given.

import { ConnectionError, TimeoutError, WebSocketError } from "../errors.ts";
import { encodeKey } from "../handshake/accept_key.ts";
import { offerDeflate, PERMESSAGE_DEFLATE } from "../handshake/deflate_offer.ts";
import { buildRequest } from "../handshake/request.ts";
import type { DialOptions, Network, Transport } from "../transport/transport.ts";
import { show } from "../shared/check.ts";
import { Driver, type DriverContext } from "../connection/driver.ts";
import type { ConnectionRules } from "../connection/connection_options.ts";
import { type ConnectOptions, connectRules } from "./connect_options.ts";
import type { Connection } from "../connection/connection.ts";
import { type Answered, Opening } from "./opening.ts";
import type { Dialled } from "./proxy.ts";
import { parseTarget, redacted, type Target } from "./url.ts";
import { explainConnect } from "../shared/explain.ts";
import { headerLines } from "../shared/header_lines.ts";
import { randomMask, randomNonce } from "../shared/random.ts";
import { reportError } from "../shared/log_error.ts";
import { timers, type TimerTarget } from "../shared/timer_wheel.ts";
import { untilAborted } from "../shared/until_aborted.ts";

const NOTHING = new Uint8Array(0);

/**
 * Opens a connection over `network`.
 *
 * @param created Is given what drives the connection before `open` is called.
 * @throws {TypeError | RangeError} When the URL or an option is wrong; the promise rejects with it.
 * @throws {ConnectionError} `CONNECT_FAILED` or `CONNECTION_LOST`.
 * @throws {HandshakeError} When the server refuses, or answers what it must not.
 * @throws {TimeoutError} `HANDSHAKE_TIMEOUT`.
 */
export async function connectOver<T>(
  network: Network,
  url: string | URL,
  options: ConnectOptions<T>,
  created?: (driver: Driver<T>) => void,
): Promise<Connection<T>> {
  const rules = connectRules(options);
  const target = parseTarget(url);
  const deadline = new Deadline(options.handshakeTimeout ?? 30_000, options.signal);
  try {
    const key = encodeKey(randomNonce());
    const request = await requestFor(target, key, rules, options, deadline.signal);
    const { transport, rest } = await dial(network, target, options, deadline.signal);
    return await new Promise<Connection<T>>((resolve, reject) => {
      const opening = new Opening(
        transport,
        {
          key,
          subprotocols: options.subprotocols,
          offeredExtensions: rules.compression === undefined ? [] : [PERMESSAGE_DEFLATE],
          maxBytes: options.maxHandshakeSize,
          deflate: rules.compression,
          secure: target.secure,
        },
        (answered) => resolve(openDriver(rules, transport, target, answered, options, created)),
        reject,
      );
      deadline.onAbort((reason) => {
        if (reason instanceof TimeoutError) opening.giveUp(reason);
        else opening.fail(reason);
      });
      opening.start(request, rest);
    });
  } finally {
    deadline.end();
  }
}

async function requestFor<T>(
  target: Target,
  key: string,
  rules: ConnectionRules,
  options: ConnectOptions<T>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { subprotocols, origin, host = target.host } = options;
  let init = options.headers;
  if (typeof init === "function") init = await untilAborted(Promise.resolve(init()), signal);
  const headers = [...headerLines(init) ?? []];
  const { authorization, path } = target;
  if (authorization !== undefined && !headers.some(([name]) => /^authorization$/i.test(name))) {
    headers.push(["Authorization", authorization]);
  }
  const extensions = rules.compression && offerDeflate(rules.compression);
  return buildRequest({ host, target: path, key, subprotocols, extensions, origin, headers });
}

async function dial<T>(
  network: Network,
  target: Target,
  options: ConnectOptions<T>,
  signal: AbortSignal,
): Promise<Dialled> {
  const { hostname, port, secure } = target;
  const { noDelay = true, readBufferSize, unix = target.unix } = options;
  const tls = secure ? options.tls ?? {} : undefined;
  const address: DialOptions = { hostname, port, tls, noDelay, readBufferSize, signal };
  if (unix !== undefined) address.unix = unix;
  const { proxy } = options;
  const proxies = proxy === undefined ? undefined : await import("./proxy.ts");
  const server = unix === undefined ? proxies?.findProxy(proxy, target.url) : undefined;
  try {
    signal.throwIfAborted();
    if (proxies !== undefined && server !== undefined) {
      return await proxies.dialThroughProxy(network, server, address, options.tls);
    }
    const dialing = options.dial === undefined ? network.dial(address) : options.dial(address);
    // A dialer that ignores the signal must neither hold up the caller nor leave a socket open.
    const transport = await untilAborted(
      Promise.resolve(dialing),
      signal,
      (late) => late.destroy(),
    );
    return { transport: checkedTransport(transport), rest: NOTHING };
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    if (server !== undefined && cause instanceof WebSocketError) throw cause;
    // A certificate that cannot be read, say.
    if (options.dial === undefined && cause instanceof TypeError) throw cause;
    const url = redacted(target.url);
    throw new ConnectionError(
      "CONNECT_FAILED",
      `Cannot connect to ${url}: ${explainConnect(cause, secure)}`,
      { cause },
    );
  }
}

const TRANSPORT_METHODS = ["start", "write", "pause", "resume", "end", "destroy"] as const;

/** @throws {TypeError} Unless it is a transport. */
function checkedTransport(transport: Transport): Transport {
  const given: Partial<Transport> | undefined = transport;
  const isTransport = TRANSPORT_METHODS.every((name) => typeof given?.[name] === "function");
  if (isTransport) return transport;
  throw new TypeError(
    `dial must give a Transport, with the methods ${TRANSPORT_METHODS.join(", ")}, got ${
      show(transport)
    }`,
  );
}

function openDriver<T>(
  connectionRules: ConnectionRules,
  transport: Transport,
  target: Target,
  answered: Answered,
  options: ConnectOptions<T>,
  created: ((driver: Driver<T>) => void) | undefined,
): Connection<T> {
  const context: DriverContext<T> = {
    connectionRules,
    handlers: options,
    masks: randomMask,
    reportError: (error, connection) => reportError(options.onError, error, connection),
  };
  const { handshake, agreement, congested } = answered;
  const info = {
    url: target.url,
    status: handshake.status,
    headers: handshake.fields,
    protocol: handshake.protocol,
    extensions: handshake.extensions,
  };
  const driver = new Driver<T>(context, transport, info, options.data as T, undefined, agreement);
  created?.(driver);
  const { rest } = handshake;
  driver.start({ rest: rest.length > 0 ? [rest] : [], ended: false, congested });
  return driver.connection;
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
