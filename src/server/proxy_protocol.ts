// The PROXY protocol, versions 1 and 2 (haproxy.org, doc/proxy-protocol.txt): a proxy that forwards TCP
// names its client in a short header.

import { HandshakeError } from "../errors.ts";
import { formatIpAddress, parseIpAddress } from "../handshake/ip_address.ts";

/** The address of a client. */
export interface PeerAddress {
  /** The address as text, without the port; empty where there is none. */
  readonly remoteAddress: string;
  /** The port; 0 where there is none. */
  readonly remotePort: number;
}

/** Bytes of the longest header of version 1, its CRLF included (section 2.1). */
const MAX_V1 = 107;
/** Bytes of a header of version 2 up to the addresses (section 2.2). */
const V2_START = 16;
/** Bytes of the addresses that are read: two of IPv6, and their ports. What follows is skipped. */
const V2_ADDRESSES = 36;

const V1_SIGNATURE = [..."PROXY "].map((character) => character.charCodeAt(0));
const V2_SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];

const CR = 0x0d;
const LF = 0x0a;

/** Reads one header from chunks of any size. It never keeps more than {@linkcode MAX_V1} bytes. */
export class ProxyHeaderReader {
  readonly #kept = new Uint8Array(MAX_V1);
  #length = 0;
  /** Bytes of extensions of version 2 that are still to be skipped. */
  #skip = 0;
  #state: "reading" | "skipping" | "done" = "reading";
  #address: PeerAddress | undefined;

  /**
   * Takes the next bytes.
   *
   * @returns The index behind the header in this chunk, or -1 while it is not complete.
   * @throws {HandshakeError} `PROXY_HEADER_INVALID` (400) when it is no header.
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

  /** The client that the header names; `undefined` when the connection is the proxy's own. */
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
    // Whatever follows UNKNOWN is ignored.
    if (line === "PROXY UNKNOWN" || line.startsWith("PROXY UNKNOWN ")) return;
    const [, family, source, destination, ...ports] = line.split(" ");
    const size = family === "TCP4" ? 4 : family === "TCP6" ? 16 : undefined;
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
    // TCP over IPv4 or IPv6. Other families have no address that could be used; LOCAL (0x20) is the
    // proxy's own connection, for its health checks.
    const size = command === 0x20 ? 0 : family === 0x11 ? 12 : family === 0x21 ? 36 : 0;
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
