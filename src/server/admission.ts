// Which requests a server admits: from which pages, for which host names, and how many from where.

import type { Connection } from "../connection/connection.ts";
import { HandshakeError, type HeaderView } from "../errors.ts";
import { formatIpAddress, parseIpAddress, unmapped } from "../handshake/ip_address.ts";
import { splitHost } from "../handshake/outgoing.ts";
import { show, wrongType } from "../shared/check.ts";
import type { PeerAddress } from "./proxy_protocol.ts";
import type { UpgradeRequest } from "./upgrade_hook.ts";

// Cross-origin requests. Without this check any page could use its visitors' cookies here (cross-site
// WebSocket hijacking; RFC 6455 10.2).

/** The values of a browser's `Origin` that are allowed. */
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

// Addresses. Behind a proxy the peer of a socket is the proxy, and the client is in the request.

/** A range of addresses. */
interface AddressRange {
  readonly bytes: readonly number[];
  /** The leading bits that all of them share. */
  readonly bits: number;
}

/** Addresses of proxies whose word is taken for the address of a client. */
export class TrustedProxies {
  readonly #ranges: readonly AddressRange[];
  readonly #unix: boolean;

  /**
   * @param list The option `trustedProxies`.
   * @throws {TypeError} When it is not a list of addresses, ranges or `"unix"`.
   */
  constructor(list: readonly string[]) {
    if (!Array.isArray(list)) {
      throw wrongType("trustedProxies", "an array of addresses and CIDR ranges", list);
    }
    this.#unix = list.includes("unix");
    this.#ranges = list.filter((entry) => entry !== "unix").map(parseRange);
  }

  /** Whether an address is one of a trusted proxy; the empty address is that of a unix socket. */
  has(address: string): boolean {
    if (address === "") return this.#unix;
    const parsed = parseIpAddress(address);
    if (parsed === undefined) return false;
    const bytes = unmapped(parsed);
    return this.#ranges.some((range) => contains(range, bytes));
  }

  /**
   * The client of a request that a peer has sent: the last address in `Forwarded` (RFC 7239) or
   * `X-Forwarded-For` that is not a trusted proxy's, and the peer itself where it is not trusted.
   *
   * @throws {HandshakeError} When both fields are there and name different clients (400): a client can
   * send the one that its proxy does not set.
   */
  clientOf(peer: PeerAddress, headers: HeaderView): PeerAddress {
    if (!this.has(peer.remoteAddress)) return peer;
    const forwarded = headers.get("forwarded");
    const xForwardedFor = headers.get("x-forwarded-for");
    const byRfc = forwarded === null ? peer : this.#last(peer, forwardedFor(forwarded));
    if (xForwardedFor === null) return byRfc;
    const byName = this.#last(peer, xForwardedFor.split(","));
    if (forwarded !== null && byRfc.remoteAddress !== byName.remoteAddress) {
      throw new HandshakeError(
        "HEAD_MALFORMED",
        "Forwarded and X-Forwarded-For name different clients; let the proxy set both or remove one",
        { status: 400 },
      );
    }
    return byName;
  }

  /** Whether a trusted proxy says that the client speaks TLS with it. */
  isSecure(peer: PeerAddress, headers: HeaderView): boolean {
    if (!this.has(peer.remoteAddress)) return false;
    const protocols = headers.get("x-forwarded-proto")?.split(",") ?? [];
    const forwarded = headers.get("forwarded");
    if (forwarded !== null) protocols.push(...parameterValues(forwarded, "proto"));
    return protocols.some((protocol) => protocol.trim().toLowerCase() === "https");
  }

  /** Goes from proxy to proxy, the nearest first, up to the first address that is not trusted. */
  #last(peer: PeerAddress, entries: readonly string[]): PeerAddress {
    let client = peer;
    for (let i = entries.length - 1; i >= 0 && this.has(client.remoteAddress); i--) {
      const next = parseNode(entries[i].trim());
      // "unknown", an obfuscated name, or nonsense: whoever said it is the last that is known.
      if (next === undefined) break;
      client = next;
    }
    return client;
  }
}

/** The text of an address in the one form in which addresses are compared. */
export function normalizeAddress(address: string): string {
  if (!address.includes(":")) return address;
  const bytes = parseIpAddress(address);
  return bytes === undefined ? address : formatIpAddress(bytes);
}

function parseRange(text: unknown): AddressRange {
  const slash = typeof text === "string" ? text.indexOf("/") : -1;
  const parsed = typeof text === "string"
    ? parseIpAddress(slash === -1 ? text : text.slice(0, slash))
    : undefined;
  const length = slash === -1 ? undefined : (text as string).slice(slash + 1);
  const size = parsed === undefined ? 0 : parsed.length * 8;
  const bits = length === undefined ? size : Number(length);
  if (
    parsed === undefined || !Number.isInteger(bits) || bits < 0 || bits > size ||
    (length !== undefined && String(bits) !== length)
  ) {
    throw new TypeError(
      'Option "trustedProxies" must list addresses and CIDR ranges such as "10.0.0.0/8" or "::1", ' +
        `or "unix", got ${show(text)}`,
    );
  }
  const bytes = unmapped(parsed);
  if (bytes.length === parsed.length) return { bytes, bits };
  // A range around the mapped addresses is one of IPv6, which no IPv4 address is compared with.
  return bits < 96 ? { bytes: parsed, bits } : { bytes, bits: bits - 96 };
}

function contains({ bytes, bits }: AddressRange, address: readonly number[]): boolean {
  if (bytes.length !== address.length) return false;
  for (let i = 0; i * 8 < bits; i++) {
    const mask = 0xff << Math.max(0, 8 - (bits - i * 8));
    if (((bytes[i] ^ address[i]) & mask & 0xff) !== 0) return false;
  }
  return true;
}

/** An address with or without a port, IPv6 with or without brackets (RFC 7239 section 6). */
function parseNode(text: string): PeerAddress | undefined {
  const whole = parseIpAddress(text);
  if (whole !== undefined) return { remoteAddress: formatIpAddress(whole), remotePort: 0 };
  const { name, port } = splitHost(text);
  const bracketed = name.startsWith("[") && name.endsWith("]");
  const bytes = parseIpAddress(bracketed ? name.slice(1, -1) : name);
  if (bytes === undefined || bracketed !== (bytes.length === 16)) return undefined;
  const number = Number(port ?? "0");
  // The port may be a name of the proxy's own (`_secret`), which tells nothing.
  const remotePort = Number.isInteger(number) && number >= 0 && number <= 65535 ? number : 0;
  return { remoteAddress: formatIpAddress(bytes), remotePort };
}

/** The `for` of each element of a `Forwarded` field; an element without one has an empty text. */
function forwardedFor(field: string): string[] {
  return splitQuoted(field, ",").map((element) => parameterValues(element, "for")[0] ?? "");
}

/** The values of all parameters with a name in a `Forwarded` field. */
function parameterValues(field: string, name: string): string[] {
  const values: string[] = [];
  for (const element of splitQuoted(field, ",")) {
    for (const pair of splitQuoted(element, ";")) {
      const equals = pair.indexOf("=");
      if (equals === -1 || pair.slice(0, equals).trim().toLowerCase() !== name) continue;
      const value = pair.slice(equals + 1).trim();
      const quoted = value.length > 1 && value.startsWith('"') && value.endsWith('"');
      values.push(quoted ? value.slice(1, -1).replaceAll("\\", "") : value);
    }
  }
  return values;
}

/** Splits at a character that does not stand inside of quotes. */
function splitQuoted(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    if (quoted && text[i] === "\\") i++;
    else if (text[i] === '"') quoted = !quoted;
    else if (text[i] === separator && !quoted) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

// Numbers of connections.

/** A limit that was reached, as `onLimit` receives it. */
export interface LimitReport {
  /** The option that sets the limit. */
  readonly limit: "maxConnections" | "maxConnectionsPerAddress" | "unreadTimeout";
  /** The value of the option. */
  readonly max: number;
  /** What is over it: the number of connections that there would be with one more, or the time. */
  readonly value: number;
  /** The address of the client; empty where there is none. */
  readonly remoteAddress: string;
  /** Whether the limit was enforced; `false` with `reportOnly`. */
  readonly enforced: boolean;
  /** The connection, for a limit of one that is open. */
  readonly connection?: Connection<unknown>;
}

/** The limits of a {@linkcode ConnectionCount}. */
export interface ConnectionLimits {
  /** See the option `maxConnections`. */
  readonly maxConnections: number;
  /** See the option `maxConnectionsPerAddress`. */
  readonly maxConnectionsPerAddress: number;
  /** See the option `reportOnly`. */
  readonly reportOnly: boolean;
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

  /** Handshakes under way, plain HTTP requests included. */
  get handshakes(): number {
    return this.#handshakes;
  }

  /**
   * Counts one handshake more.
   *
   * @throws {HandshakeError} When that is over `maxConnections`; it is not counted then.
   */
  addHandshake(remoteAddress: string): void {
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

/** The place of one handshake in a {@linkcode ConnectionCount}. */
export class Place {
  readonly #count: ConnectionCount;
  #isHandshake = false;
  #address: string | undefined;

  /** @param count Where it is counted. */
  constructor(count: ConnectionCount) {
    this.#count = count;
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
    if (this.#isHandshake) this.#count.removeHandshake();
    if (this.#address !== undefined) this.#count.removeAddress(this.#address);
    this.#isHandshake = false;
    this.#address = undefined;
  }
}
