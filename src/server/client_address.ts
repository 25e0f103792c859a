// The address of a client behind proxies, from header fields or the PROXY protocol.

import { HandshakeError, type HeaderView } from "../errors.ts";
import { formatIpAddress, parseIpAddress, unmapped } from "../handshake/ip_address.ts";
import { splitHost } from "../handshake/outgoing.ts";
import { show, wrongType } from "../shared/check.ts";
import type { Transport, TransportSink } from "../transport/transport.ts";

/** A range of addresses. */
interface AddressRange {
  readonly bytes: readonly number[];
  /** The number of leading bits they share. */
  readonly bits: number;
}

/** Addresses of proxies trusted to report client addresses. */
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

  /** @throws {HandshakeError} Unless the address is that of a trusted proxy. */
  assertHas(address: string): void {
    if (this.has(address)) return;
    throw new HandshakeError(
      "PROXY_HEADER_INVALID",
      `${address} is not a trusted proxy; add it to \`trustedProxies\``,
      { status: 400 },
    );
  }

  /** Whether an address is that of a trusted proxy; the empty address denotes a unix socket. */
  has(address: string): boolean {
    if (address === "") return this.#unix;
    const parsed = parseIpAddress(address);
    if (parsed === undefined) return false;
    const bytes = unmapped(parsed);
    return this.#ranges.some((range) => contains(range, bytes));
  }

  /**
   * The client of a request: the last untrusted address in `Forwarded` (RFC 7239) or
   * `X-Forwarded-For`, or the peer itself if untrusted.
   *
   * @throws {HandshakeError} When the fields name different clients (400): a client can forge the
   * field its proxy does not set.
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

  /** Whether a trusted proxy reports that the client uses TLS. */
  isSecure(peer: PeerAddress, headers: HeaderView): boolean {
    if (!this.has(peer.remoteAddress)) return false;
    const protocols = headers.get("x-forwarded-proto")?.split(",") ?? [];
    const forwarded = headers.get("forwarded");
    if (forwarded !== null) protocols.push(...parameterValues(forwarded, "proto"));
    return protocols.some((protocol) => protocol.trim().toLowerCase() === "https");
  }

  /** Walks the proxies, nearest first, to the first untrusted address. */
  #last(peer: PeerAddress, entries: readonly string[]): PeerAddress {
    let client = peer;
    for (let i = entries.length - 1; i >= 0 && this.has(client.remoteAddress); i--) {
      const next = parseNode(entries[i].trim());
      // "unknown", an obfuscated name, or invalid text: the last known address is that of the proxy
      // that sent it.
      if (next === undefined) break;
      client = next;
    }
    return client;
  }
}

/** The canonical text of an address. */
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
  // A range that contains all mapped addresses is an IPv6 range, never compared with IPv4
  // addresses.
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
  // The port may be an obfuscated name (`_secret`), which is ignored.
  const remotePort = Number.isInteger(number) && number >= 0 && number <= 65535 ? number : 0;
  return { remoteAddress: formatIpAddress(bytes), remotePort };
}

/** The `for` values of the elements of a `Forwarded` field; empty where missing. */
function forwardedFor(field: string): string[] {
  return splitQuoted(field, ",").map((element) => parameterValues(element, "for")[0] ?? "");
}

/** The values of a parameter in a `Forwarded` field. */
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

/** Splits at a character outside quotes. */
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

/** The canonical address of a peer. */
export function addressOf({ remoteAddress, remotePort }: Partial<PeerAddress>): PeerAddress {
  return { remoteAddress: normalizeAddress(remoteAddress ?? ""), remotePort: remotePort ?? 0 };
}

/** Replaces the stream's peer address with that reported by a proxy. */
export function addressed(
  transport: Transport,
  { remoteAddress, remotePort }: PeerAddress,
): Transport {
  return transport.remoteAddress === remoteAddress
    ? transport
    : new ForwardedTransport(transport, remoteAddress, remotePort);
}

/** A stream with a different peer than its socket. */
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

// The PROXY protocol, versions 1 and 2 (haproxy.org, doc/proxy-protocol.txt): a TCP proxy sends the
// client's address in a short header.

/** The address of a client. */
export interface PeerAddress {
  /** The address as text, without the port; empty if there is none. */
  readonly remoteAddress: string;
  /** The port; 0 if there is none. */
  readonly remotePort: number;
}

/** The maximum size of a version 1 header in bytes, CRLF included (section 2.1). */
const MAX_V1 = 107;
/** Bytes of a version 2 header before the addresses (section 2.2). */
const V2_START = 16;
/** Bytes of an address by family in version 1. */
const V1_ADDRESS_SIZES: ReadonlyMap<string, number> = new Map([["TCP4", 4], ["TCP6", 16]]);
/**
 * Bytes of the two addresses and ports by family in version 2: TCP over IPv4 or IPv6. Other
 * families have no usable address.
 */
const V2_ADDRESS_SIZES: ReadonlyMap<number, number> = new Map([[0x11, 12], [0x21, 36]]);
/** The maximum bytes of addresses to read: two IPv6 addresses and ports. The rest is skipped. */
const V2_ADDRESSES = 36;

const V1_SIGNATURE = [..."PROXY "].map((character) => character.charCodeAt(0));
const V2_SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];

const CR = 0x0d;
const LF = 0x0a;

/** Reads one header from chunks of any size. It never keeps more than {@linkcode MAX_V1} bytes. */
export class ProxyHeaderReader {
  readonly #kept = new Uint8Array(MAX_V1);
  #length = 0;
  /** Remaining bytes of version 2 extensions to skip. */
  #skip = 0;
  #state: "reading" | "skipping" | "done" = "reading";
  #address: PeerAddress | undefined;

  /**
   * Takes the next bytes.
   *
   * @returns The index after the header in this chunk, or -1 until it is complete.
   * @throws {HandshakeError} `PROXY_HEADER_INVALID` (400) when it is not a header.
   */
  push(chunk: Uint8Array): number {
    let at = 0;
    while (this.#state === "reading" && at < chunk.length) this.#take(chunk[at++]);
    if (this.#state === "skipping") {
      const count = Math.min(this.#skip, chunk.length - at);
      this.#skip -= count;
      at += count;
      if (this.#skip === 0) this.#state = "done";
    }
    return this.#state === "done" ? at : -1;
  }

  /** The client named by the header; `undefined` for the proxy's own connections. */
  get address(): PeerAddress | undefined {
    return this.#address;
  }

  #take(byte: number): void {
    const at = this.#length;
    this.#kept[this.#length++] = byte;
    const isV2 = this.#kept[0] === V2_SIGNATURE[0];
    const signature = isV2 ? V2_SIGNATURE : V1_SIGNATURE;
    if (at < signature.length) {
      if (byte !== signature[at]) {
        throw invalid("The connection does not begin with a PROXY protocol header");
      }
    } else if (isV2) {
      this.#checkV2();
    } else if (byte === LF) {
      this.#readV1();
    } else if (this.#length === MAX_V1) {
      throw invalid(`The PROXY protocol header has more than ${MAX_V1} bytes`);
    }
  }

  /** Section 2.1: `PROXY TCP4 source destination port port CRLF`. */
  #readV1(): void {
    if (this.#kept[this.#length - 2] !== CR) throw invalid("The PROXY line does not end with CRLF");
    const line = String.fromCharCode(...this.#kept.subarray(0, this.#length - 2));
    this.#state = "done";
    // The rest after UNKNOWN is ignored.
    if (line === "PROXY UNKNOWN" || line.startsWith("PROXY UNKNOWN ")) return;
    const [, family, source, destination, ...ports] = line.split(" ");
    const size = V1_ADDRESS_SIZES.get(family ?? "");
    const from = parseIpAddress(source ?? "");
    const to = parseIpAddress(destination ?? "");
    if (
      size === undefined || from?.length !== size || to?.length !== size || ports.length !== 2 ||
      !ports.every(isPort)
    ) {
      throw invalid("The PROXY line is malformed");
    }
    this.#address = { remoteAddress: formatIpAddress(from), remotePort: Number(ports[0]) };
  }

  /** Section 2.2: version and command, family, length, addresses, extensions. */
  #checkV2(): void {
    if (this.#length < V2_START) return;
    const command = this.#kept[12];
    const family = this.#kept[13];
    const length = this.#kept[14] << 8 | this.#kept[15];
    if (command !== 0x20 && command !== 0x21) {
      throw invalid("The PROXY header has an unknown version or command");
    }
    // LOCAL (0x20): a health check by the proxy.
    const size = command === 0x20 ? 0 : V2_ADDRESS_SIZES.get(family) ?? 0;
    if (family > 0x32 || (family & 0x0f) > 2) throw invalid("The PROXY header is malformed");
    if (length < size) throw invalid("The PROXY header is too short for its addresses");
    if (this.#length < V2_START + size) return;
    this.#skip = length - size;
    this.#state = this.#skip === 0 ? "done" : "skipping";
    if (size === 0) return;
    const bytes = [...this.#kept.subarray(V2_START, V2_START + V2_ADDRESSES)];
    const address = size === 12 ? 4 : 16;
    const port = 2 * address;
    this.#address = {
      remoteAddress: formatIpAddress(bytes.slice(0, address)),
      remotePort: bytes[port] << 8 | bytes[port + 1],
    };
  }
}

/** A decimal number from 0 to 65535 without leading zeros. */
function isPort(text: string): boolean {
  return String(Number(text)) === text && Number.isInteger(Number(text)) && Number(text) >= 0 &&
    Number(text) <= 65535;
}

function invalid(message: string): HandshakeError {
  return new HandshakeError("PROXY_HEADER_INVALID", `${message} (option proxyProtocol)`, {
    status: 400,
  });
}
