// The address of a client behind proxies: in header fields, or in front of its first byte (the PROXY
// protocol, proxy_protocol.ts).

import { HandshakeError, type HeaderView } from "../errors.ts";
import { formatIpAddress, parseIpAddress, unmapped } from "../handshake/ip_address.ts";
import { splitHost } from "../handshake/outgoing.ts";
import { show, wrongType } from "../shared/check.ts";
import type { Transport, TransportSink } from "../transport/transport.ts";
import type { PeerAddress } from "./proxy_protocol.ts";

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
      // "unknown", an obfuscated name, or nonsense: the proxy that said it is the last known address.
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

/** The address of a peer, in the one form in which addresses are compared. */
export function addressOf({ remoteAddress, remotePort }: Partial<PeerAddress>): PeerAddress {
  return { remoteAddress: normalizeAddress(remoteAddress ?? ""), remotePort: remotePort ?? 0 };
}

/** The stream as that of the client that a proxy names. */
export function addressed(
  transport: Transport,
  { remoteAddress, remotePort }: PeerAddress,
): Transport {
  return transport.remoteAddress === remoteAddress
    ? transport
    : new ForwardedTransport(transport, remoteAddress, remotePort);
}

/** A stream whose peer is known better than its socket knows it. */
class ForwardedTransport implements Transport {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #transport: Transport;

  constructor(transport: Transport, remoteAddress: string, remotePort: number) {
    this.#transport = transport;
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
  }

  get bufferedAmount(): number {
    return this.#transport.bufferedAmount;
  }

  get writesLater(): boolean {
    return this.#transport.writesLater ?? false;
  }

  get copiesBelow(): number {
    return this.#transport.copiesBelow ?? 0;
  }

  start(sink: TransportSink): void {
    this.#transport.start(sink);
  }

  write(bytes: Uint8Array, length: number): boolean {
    return this.#transport.write(bytes, length);
  }

  pause(): void {
    this.#transport.pause();
  }

  resume(): void {
    this.#transport.resume();
  }

  end(): void {
    this.#transport.end();
  }

  destroy(error?: Error): void {
    this.#transport.destroy(error);
  }
}
