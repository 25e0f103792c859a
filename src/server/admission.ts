// Which requests a server admits: from which pages, for which host names, and how many from where.

import { MemoryGovernor, type MemoryHolder, type MemoryUse } from "../message/memory_governor.ts";
import type { LimitReport } from "../connection/limit_report.ts";
import { HandshakeError } from "../errors.ts";
import type { ServerRequest } from "../handshake/server.ts";
import { splitHost } from "../handshake/outgoing.ts";
import { show, wrongType } from "../shared/check.ts";
import { callHook, type UpgradeRequest } from "./upgrade_hook.ts";

// Cross-origin requests. Without this check any page could use its visitors' cookies here (cross-site
// WebSocket hijacking; RFC 6455 10.2).

/**
 * The values of a browser's `Origin` that are allowed.
 *
 * @category Server
 */
export type Origins =
  | "same"
  | "any"
  | readonly string[]
  | ((origin: string, request: UpgradeRequest) => boolean);

/**
 * Whether the origin of a request is allowed.
 *
 * @param allowed The option `allowedOrigins`.
 * @param values The values of the request's `Origin` lines.
 * @param host The host of the request, with its port if it was sent.
 * @param request The argument for a function among the options; its URL tells whether it is TLS.
 */
export function isOriginAllowed(
  allowed: Origins,
  values: readonly string[],
  host: string,
  request: UpgradeRequest,
): boolean {
  // Programs send no Origin; only browsers must, and only their users can be tricked.
  if (values.length === 0 || allowed === "any") return true;
  if (values.length > 1) return false;
  const origin = values[0];
  if (typeof allowed === "function") return allowed(origin, request) === true;
  if (allowed === "same") return isSameSite(origin, host, request.url.startsWith("wss:"));
  return allowed.includes(origin);
}

/** The response to a request whose origin is not allowed. */
export function originRefused(values: readonly string[], request: UpgradeRequest): HandshakeError {
  const address = request.url.slice(0, request.url.indexOf("/", "wss://".length));
  return new HandshakeError(
    "ORIGIN_REFUSED",
    `Origin ${values.join(", ")} is not allowed for ${address}; add it to \`allowedOrigins\``,
    { status: 403 },
  );
}

/**
 * Compares whole hosts, never parts of them, and on TLS the scheme: a page that came without TLS may
 * have been changed on its way. An opaque origin (`null`) is never the same.
 */
function isSameSite(origin: string, host: string, secure: boolean): boolean {
  const scheme = origin.slice(0, origin.indexOf("://") + 3).toLowerCase();
  if (scheme !== "https://" && (secure || scheme !== "http://")) return false;
  const port = scheme === "https://" ? "443" : "80";
  return withPort(origin.slice(scheme.length), port) === withPort(host, port);
}

function withPort(host: string, defaultPort: string): string {
  const { name, port } = splitHost(host.toLowerCase());
  return `${name}:${port === undefined || port === "" ? defaultPort : port}`;
}

/** @throws {TypeError} Unless the option `allowedOrigins` is absent or of its type. */
export function checkOrigins(origins: unknown): void {
  if (origins === undefined || origins === "same" || origins === "any") return;
  if (typeof origins === "function") return;
  if (!Array.isArray(origins)) {
    throw wrongType("allowedOrigins", '"same", "any", an array of origins or a function', origins);
  }
  for (const origin of origins) {
    if (typeof origin !== "string" || !isOrigin(origin)) {
      throw new TypeError(
        `Option "allowedOrigins" must list origins such as "https://example.com", got ${
          show(origin)
        }`,
      );
    }
  }
}

/** Whether it is an origin as browsers write them: scheme, host, port unless it is the default. */
function isOrigin(text: string): boolean {
  try {
    const url = new URL(text);
    return text === `${url.protocol}//${url.host}`;
  } catch {
    return false;
  }
}

// Host names. A page whose name was made to point at this server (DNS rebinding) has the origin and the
// host that it wants, but not the name that the server knows.

/**
 * Whether the host of a request is allowed.
 *
 * @param allowed The option `allowedHosts`; absent, every name is.
 * @param host The host of the request, with its port if it was sent.
 */
export function isHostAllowed(allowed: readonly string[] | undefined, host: string): boolean {
  return allowed === undefined || allowed.includes(splitHost(host.toLowerCase()).name);
}

/** The response to a request for another host (RFC 9110 15.5.20). */
export function hostRefused(host: string): HandshakeError {
  return new HandshakeError(
    "HOST_REFUSED",
    `Host ${host} is not allowed; add it to \`allowedHosts\``,
    { status: 421 },
  );
}

/** @throws {TypeError} Unless the option `allowedHosts` is absent or a list of host names. */
export function checkHosts(hosts: unknown): void {
  if (hosts === undefined) return;
  if (!Array.isArray(hosts)) throw wrongType("allowedHosts", "an array of host names", hosts);
  for (const host of hosts) {
    if (typeof host !== "string" || !isHostName(host)) {
      throw new TypeError(
        `Option "allowedHosts" must list host names such as "localhost" or "[::1]", got ${
          show(host)
        }`,
      );
    }
  }
}

/** Whether it is a host as a request has it, in lower case and without a port; `*` is no pattern. */
export function isHostName(text: string): boolean {
  try {
    const url = new URL(`http://${text}`);
    return url.href === `http://${text}/` && url.hostname === text && !text.includes("*");
  } catch {
    return false;
  }
}

// All of it, for one request.

/** The options that a request is checked against. */
export interface Policy {
  /** See the option `allowedHosts`. */
  readonly allowedHosts: readonly string[] | undefined;
  /** See the option `allowedOrigins`. */
  readonly allowedOrigins: Origins;
  /** See the option `path`. */
  readonly path: readonly string[] | undefined;
}

/**
 * Checks a request against the options.
 *
 * @throws {HandshakeError} When the host, the path or the origin is not allowed.
 * @throws {HookFailure} When a function of the user's throws.
 */
export function checkPolicy(
  rules: Policy,
  request: Pick<ServerRequest, "host" | "fields">,
  upgradeRequest: UpgradeRequest,
): void {
  const { allowedHosts, allowedOrigins, path } = rules;
  const { host, fields } = request;
  // A hook that makes a `URL` of it must not be the first to find out.
  if (!URL.canParse(`http://${host}`)) {
    throw new HandshakeError("HOST_INVALID", "The Host of the request is not valid in a URL", {
      status: 400,
    });
  }
  if (!isHostAllowed(allowedHosts, host)) throw hostRefused(host);
  if (path !== undefined && !path.includes(upgradeRequest.path)) throw notFound(upgradeRequest);
  const origins = fields.getAll("origin");
  const allowed = callHook(() => isOriginAllowed(allowedOrigins, origins, host, upgradeRequest));
  if (!allowed) throw originRefused(origins, upgradeRequest);
}

/** The rejection of a request for a path that is not served. */
export function notFound({ path }: { readonly path: string }): HandshakeError {
  return new HandshakeError("NOT_FOUND", `No WebSocket is served at ${path}; see \`path\``, {
    status: 404,
  });
}

/** The rejection of a request that did not arrive in time. */
export function tooSlow(): HandshakeError {
  return new HandshakeError("HANDSHAKE_TIMEOUT", "The request did not arrive in time", {
    status: 408,
  });
}

/** The rejection of a request whose hook did not decide in time. */
export function undecided(): HandshakeError {
  return new HandshakeError("HANDSHAKE_TIMEOUT", "The upgrade hook did not decide in time", {
    status: 503,
  });
}

/** The rejection of a request during a shutdown. */
export function shuttingDown(): HandshakeError {
  return new HandshakeError("SHUTTING_DOWN", "The server is shutting down", { status: 503 });
}

// Numbers of connections.

/** The limits of a {@linkcode ConnectionCount}. */
export interface ConnectionLimits {
  /** See the option `maxConnections`. */
  readonly maxConnections: number;
  /** See the option `maxConnectionsPerAddress`. */
  readonly maxConnectionsPerAddress: number;
  /** See the option `reportOnly`. */
  readonly reportOnly: boolean;
  /** The options of connections. */
  readonly connection?: { readonly memoryLimit: number };
}

/** Counts what a server holds: opening handshakes and open connections, in all and by address. */
export class ConnectionCount {
  readonly #limits: ConnectionLimits;
  readonly #open: () => number;
  readonly #report: (report: LimitReport) => void;
  readonly #byAddress: Map<string, number> = new Map();
  #handshakes = 0;

  /**
   * @param limits The limits.
   * @param open The number of open connections.
   * @param report Called for each client that is over a limit.
   */
  constructor(
    limits: ConnectionLimits,
    open: () => number,
    report: (report: LimitReport) => void,
  ) {
    this.#limits = limits;
    this.#open = open;
    this.#report = report;
  }

  /** Bytes that the connections of the process may hold. */
  get memoryLimit(): number {
    return this.#limits.connection?.memoryLimit ?? Infinity;
  }

  /** Pending handshakes, including plain HTTP requests. */
  get handshakes(): number {
    return this.#handshakes;
  }

  /**
   * Counts one handshake more.
   *
   * @throws {HandshakeError} When that is over `maxConnections`, or memory is near `memoryLimit`; it is not
   * counted then.
   */
  addHandshake(remoteAddress: string): void {
    const { memoryLimit } = this;
    if (MemoryGovernor.ofProcess.isNear(memoryLimit)) throw memoryNear(memoryLimit);
    this.#check("maxConnections", this.#open() + this.#handshakes + 1, remoteAddress);
    this.#handshakes++;
  }

  /** One handshake less: it has failed, or is an open connection now. */
  removeHandshake(): void {
    this.#handshakes--;
  }

  /**
   * Counts one more from an address; those of unix sockets are not counted.
   *
   * @throws {HandshakeError} When that is over `maxConnectionsPerAddress`; it is not counted then.
   */
  addAddress(remoteAddress: string): void {
    if (this.#limits.maxConnectionsPerAddress === Infinity || remoteAddress === "") return;
    const value = (this.#byAddress.get(remoteAddress) ?? 0) + 1;
    this.#check("maxConnectionsPerAddress", value, remoteAddress);
    this.#byAddress.set(remoteAddress, value);
  }

  /** One less from an address. */
  removeAddress(remoteAddress: string): void {
    const value = this.#byAddress.get(remoteAddress);
    if (value === undefined) return;
    if (value === 1) this.#byAddress.delete(remoteAddress);
    else this.#byAddress.set(remoteAddress, value - 1);
  }

  #check(
    limit: "maxConnections" | "maxConnectionsPerAddress",
    value: number,
    remoteAddress: string,
  ): void {
    const max = this.#limits[limit];
    if (value <= max) return;
    const enforced = !this.#limits.reportOnly;
    this.#report({ limit, max, value, remoteAddress, enforced });
    if (!enforced) return;
    const what = limit === "maxConnections" ? "Connection limit" : "Connection limit per address";
    throw new HandshakeError("TOO_MANY_CONNECTIONS", `${what} reached (${limit}: ${max})`, {
      status: 503,
    });
  }
}

function memoryNear(memoryLimit: number): HandshakeError {
  return new HandshakeError("MEMORY_LIMIT", `Memory limit near (memoryLimit: ${memoryLimit})`, {
    status: 503,
  });
}

/** The place of one handshake in a {@linkcode ConnectionCount}, and in the memory of the process. */
export class Place implements MemoryHolder {
  readonly #count: ConnectionCount;
  readonly #refuse: ((error: HandshakeError) => void) | undefined;
  #isHandshake = false;
  #address: string | undefined;
  /** Bytes of memory that it was last counted with. */
  counted = 0;

  /**
   * @param count Where it is counted.
   * @param refuse Rejects the handshake.
   */
  constructor(count: ConnectionCount, refuse?: (error: HandshakeError) => void) {
    this.#count = count;
    this.#refuse = refuse;
  }

  /** The handshake holds so many bytes of its request. */
  hold(bytes: number): void {
    const difference = bytes - this.counted;
    if (difference === 0) return;
    this.counted = bytes;
    MemoryGovernor.ofProcess.count(this, difference, this.#count.memoryLimit);
  }

  /** Adds what it holds to the parts. */
  addTo(use: MemoryUse): void {
    use.handshakes += this.counted;
  }

  /** Rejects the handshake, because all together hold too much and this one most. */
  giveUp(): void {
    this.#refuse?.(memoryNear(this.#count.memoryLimit));
    this.#forget();
  }

  #forget(): void {
    if (this.counted > 0) MemoryGovernor.ofProcess.remove(this);
    this.counted = 0;
  }

  /** @throws {HandshakeError} When there are too many connections. */
  take(remoteAddress: string): void {
    this.#count.addHandshake(remoteAddress);
    this.#isHandshake = true;
  }

  /** @throws {HandshakeError} When there are too many connections from this address. */
  takeAddress(remoteAddress: string): void {
    if (this.#address !== undefined) return;
    this.#count.addAddress(remoteAddress);
    this.#address = remoteAddress;
  }

  /** The handshake is done. The address still counts, until its connection closes. */
  handOver(): void {
    this.#address = undefined;
    this.giveBack();
  }

  /** The handshake has failed. */
  giveBack(): void {
    this.#forget();
    if (this.#isHandshake) this.#count.removeHandshake();
    if (this.#address !== undefined) this.#count.removeAddress(this.#address);
    this.#isHandshake = false;
    this.#address = undefined;
  }
}
