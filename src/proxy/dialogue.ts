// The exchange with a proxy to open a tunnel.

import { isHost } from "../handshake/outgoing.ts";

/** A dialogue with a proxy, as bytes in and bytes out. */
export interface ProxyDialogue {
  /** The bytes to send first. */
  begin(): Uint8Array;
  /**
   * Takes bytes from the proxy.
   *
   * @returns The bytes to send next; may be empty.
   * @throws {ConnectionError} `PROXY_REFUSED` when the proxy rejects the request, `PROXY_FAILED`
   * when it does not speak the protocol.
   */
  receive(chunk: Uint8Array): Uint8Array;
  /** Whether the stream now leads to the target. */
  readonly done: boolean;
  /** Once done: the first bytes from the target. */
  readonly rest: Uint8Array;
}

/** The target of a tunnel. */
export interface ProxyTarget {
  /** A host name or an IP address; an IPv6 address without brackets. */
  readonly hostname: string;
  /** The port. */
  readonly port: number;
}

/** The user and password for a proxy. */
export interface ProxyCredentials {
  /** The user. */
  readonly username: string;
  /** The password. */
  readonly password: string;
}

/** No bytes. */
export const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * A target as host and port, an IPv6 address in brackets.
 *
 * @throws {TypeError} When the host is neither a name nor an address. A zone (`fe80::1%eth0`) is
 * not allowed: it is only valid on one machine (RFC 4007 section 6).
 * @throws {RangeError} When the port is invalid.
 */
export function authorityOf({ hostname, port }: ProxyTarget): string {
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  if (!isHost(host)) throw new TypeError(`"${hostname}" is neither a host name nor an IP address`);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new RangeError(`${port} is not a port: it must be an integer from 1 to 65535`);
  }
  return `${host}:${port}`;
}
