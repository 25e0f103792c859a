// The client of one opening handshake: its address, and its place in the counts.

import type { HandshakeError, HeaderView } from "../errors.ts";
import { MemoryGovernor, type MemoryHolder, type MemoryUse } from "../message/memory_governor.ts";
import { addressOf, type PeerAddress, type TrustedProxies } from "./client_address.ts";
import { type ConnectionCount, memoryNear } from "./connection_count.ts";

/** The options for client addresses. */
export interface ClientRules {
  /** See the option `trustedProxies`. */
  readonly trustedProxies: TrustedProxies | undefined;
  /** See the option `proxyProtocol`. */
  readonly proxyProtocol: boolean;
  /** See the option `secure`. */
  readonly secure: boolean;
}

/** One opening handshake, as its client sees it. */
export interface HandshakeOwner {
  /** Rejects the request. */
  refuse(error: HandshakeError): void;
}

/** The client of one opening handshake. */
export class HandshakeClient implements MemoryHolder {
  readonly #rules: ClientRules;
  readonly #count: ConnectionCount;
  readonly #owner: HandshakeOwner | undefined;
  #peer: PeerAddress;
  #isSecure: boolean;
  #isCounted = false;
  #countedAddress: string | undefined;
  /** The memory last counted, in bytes. */
  counted = 0;

  /**
   * @param rules The options.
   * @param count The count of handshakes and connections.
   * @param peer The peer of the socket.
   * @param isTls Whether the socket is encrypted.
   * @param owner The handshake, if it holds memory.
   */
  constructor(
    rules: ClientRules,
    count: ConnectionCount,
    peer: Partial<PeerAddress>,
    isTls: boolean,
    owner?: HandshakeOwner,
  ) {
    this.#rules = rules;
    this.#count = count;
    this.#owner = owner;
    this.#peer = addressOf(peer);
    this.#isSecure = isTls || rules.secure;
  }

  /** The address of the client, or of the proxy while the client is unknown. */
  get peer(): PeerAddress {
    return this.#peer;
  }

  /** Whether the client uses TLS, to the server or a proxy. */
  get isSecure(): boolean {
    return this.#isSecure;
  }

  // Its address.

  /** Whether the address comes from header fields or the PROXY protocol. */
  get isBehindProxy(): boolean {
    return this.#rules.trustedProxies !== undefined || this.#rules.proxyProtocol;
  }

  /**
   * A PROXY protocol header was read.
   *
   * @param address The client named by the header; `undefined` for the proxy's own connections.
   * @throws {HandshakeError} When the peer is not a trusted proxy.
   */
  proxied(address: PeerAddress | undefined): void {
    this.#rules.trustedProxies?.assertHas(this.#peer.remoteAddress);
    if (address !== undefined) this.#peer = address;
  }

  /** Reads from the header fields whether the client uses TLS to a trusted proxy. */
  readScheme(fields: HeaderView): void {
    const { trustedProxies } = this.#rules;
    if (trustedProxies !== undefined) {
      this.#isSecure ||= trustedProxies.isSecure(this.#peer, fields);
    }
  }

  /**
   * Reads the client's address from the header fields, if sent by a trusted proxy.
   *
   * @throws {HandshakeError} When the fields name different clients.
   */
  readAddress(fields: HeaderView): void {
    const { trustedProxies } = this.#rules;
    if (trustedProxies !== undefined) this.#peer = trustedProxies.clientOf(this.#peer, fields);
  }

  // Its place in the counts.

  /**
   * Counts the handshake, once.
   *
   * @throws {HandshakeError} When there are too many connections.
   */
  count(): void {
    if (this.#isCounted) return;
    this.#count.addHandshake(this.#peer.remoteAddress);
    this.#isCounted = true;
  }

  /**
   * Counts the address of the client, once.
   *
   * @throws {HandshakeError} When there are too many connections from this address.
   */
  countAddress(): void {
    if (this.#countedAddress !== undefined) return;
    const { remoteAddress } = this.#peer;
    this.#count.addAddress(remoteAddress);
    this.#countedAddress = remoteAddress;
  }

  /** The handshake is complete. The address counts until the connection closes. */
  handOver(): void {
    this.#countedAddress = undefined;
    this.release();
  }

  /** The handshake has failed. */
  release(): void {
    this.#forget();
    if (this.#isCounted) this.#count.removeHandshake();
    if (this.#countedAddress !== undefined) this.#count.removeAddress(this.#countedAddress);
    this.#isCounted = false;
    this.#countedAddress = undefined;
  }

  // Its memory.

  /** Counts the buffered bytes of the request. */
  hold(bytes: number): void {
    const difference = bytes - this.counted;
    if (difference === 0) return;
    this.counted = bytes;
    MemoryGovernor.ofProcess.count(this, difference, this.#count.memoryLimit);
  }

  /** Adds its memory to `use`. */
  addTo(use: MemoryUse): void {
    use.handshakes += this.counted;
  }

  /** Rejects the handshake because it holds the most memory and the total exceeds the limit. */
  giveUp(): void {
    this.#owner?.refuse(memoryNear(this.#count.memoryLimit));
    this.#forget();
  }

  #forget(): void {
    if (this.counted > 0) MemoryGovernor.ofProcess.remove(this);
    this.counted = 0;
  }
}
