// A stream through a SOCKS5 proxy (RFC 1928), with optional user and password (RFC 1929).

import { ConnectionError } from "../errors.ts";
import { parseIpAddress } from "../handshake/ip_address.ts";
import {
  authorityOf,
  NOTHING,
  type ProxyCredentials,
  type ProxyDialogue,
  type ProxyTarget,
} from "./dialogue.ts";

const VERSION = 5;
/** RFC 1929 section 2: the version of the subnegotiation. */
const PASSWORD_VERSION = 1;
/** RFC 1928 section 3. */
const METHOD = { None: 0, Password: 2, Unacceptable: 0xff } as const;
/** RFC 1928 section 5. */
const ADDRESS = { IPv4: 1, Domain: 3, IPv6: 4 } as const;
/** The sizes of fixed-size addresses in bytes. */
const ADDRESS_SIZES: ReadonlyMap<number, number> = new Map([[ADDRESS.IPv4, 4], [ADDRESS.IPv6, 16]]);
/** RFC 1928 section 4. */
const CONNECT = 1;

/** RFC 1928 section 6, in the order of the codes. */
const REPLIES = [
  "succeeded",
  "general failure",
  "not allowed by its rules",
  "network unreachable",
  "host unreachable",
  "connection refused",
  "TTL expired",
  "command not supported",
  "address type not supported",
];

/** The longest reply: version, reply, reserved, type, length and 255 bytes of name, port. */
const MAX_REPLY = 4 + 1 + 255 + 2;

/** Requests a stream from a SOCKS5 proxy. */
export class Socks5 implements ProxyDialogue {
  readonly #authority: string;
  readonly #request: Uint8Array;
  readonly #password: Uint8Array | undefined;
  #step: "method" | "password" | "reply" | "done" = "method";
  /** The reply that is being read; its first `#length` bytes are valid. */
  readonly #input = new Uint8Array(MAX_REPLY);
  #length = 0;
  #rest = NOTHING;

  /**
   * @param target The target of the stream; a host name is resolved by the proxy.
   * @param credentials User and password, if the proxy may request them.
   * @throws {TypeError | RangeError} When the target is invalid, or a value is too long for the
   * protocol.
   */
  constructor(target: ProxyTarget, credentials?: ProxyCredentials) {
    this.#authority = authorityOf(target);
    this.#request = connectRequest(target);
    this.#password = credentials && passwordRequest(credentials);
  }

  /** Whether the stream to the target is established. */
  get done(): boolean {
    return this.#step === "done";
  }

  /** The bytes after the proxy's last reply. */
  get rest(): Uint8Array {
    return this.#rest;
  }

  /** RFC 1928 section 3: the supported methods of authentication. */
  begin(): Uint8Array {
    return this.#password === undefined
      ? Uint8Array.of(VERSION, 1, METHOD.None)
      : Uint8Array.of(VERSION, 2, METHOD.None, METHOD.Password);
  }

  /** Takes the proxy's replies. */
  receive(chunk: Uint8Array): Uint8Array {
    // A reply that arrives before its request is accepted, so that chunk boundaries do not matter.
    let output = NOTHING;
    for (let i = 0; i < chunk.length; i++) {
      this.#input[this.#length++] = chunk[i];
      const question = this.#advance();
      if (question.length > 0) output = concat(output, question);
      if (this.done) {
        this.#rest = chunk.subarray(i + 1);
        break;
      }
    }
    return output;
  }

  /** Processes the last byte received; returns the bytes to send. */
  #advance(): Uint8Array {
    switch (this.#step) {
      case "method":
        return this.#readMethod();
      case "password":
        return this.#readPasswordStatus();
      default:
        this.#readReply();
        return NOTHING;
    }
  }

  /** RFC 1928 section 3: version, method. */
  #readMethod(): Uint8Array {
    const [version, method] = this.#input;
    if (version !== VERSION) throw failed(`answered with version ${version}`);
    if (this.#length < 2) return NOTHING;
    this.#length = 0;
    if (method === METHOD.None) return this.#ask();
    if (method === METHOD.Password && this.#password !== undefined) {
      this.#step = "password";
      return this.#password;
    }
    if (method === METHOD.Unacceptable) {
      throw refused(
        this.#password === undefined
          ? "requires authentication, but its URL has no user name"
          : "accepts no authentication method that was offered",
      );
    }
    throw failed(`chose the method ${method}, which was not offered`);
  }

  /** RFC 1929 section 2: version, status. Some proxies send the SOCKS version here. */
  #readPasswordStatus(): Uint8Array {
    if (this.#length < 2) return NOTHING;
    this.#length = 0;
    // RFC 1929 section 2: any status other than 0 means failure.
    if (this.#input[1] !== 0) throw refused("rejects the user name and password of its URL");
    return this.#ask();
  }

  #ask(): Uint8Array {
    this.#step = "reply";
    return this.#request;
  }

  /**
   * RFC 1928 section 6: version, reply, reserved, type, address, port. The address is the proxy's
   * local address and is ignored. Each byte is checked on arrival: a proxy that rejects need not
   * send the rest.
   */
  #readReply(): void {
    const [version, reply, , type, size] = this.#input;
    if (version !== VERSION) throw failed(`answered with version ${version}`);
    if (this.#length >= 2 && reply !== 0) {
      throw refused(`cannot connect to ${this.#authority}: ${REPLIES[reply] ?? `code ${reply}`}`);
    }
    if (this.#length < 4) return;
    // The first byte of a name is its length.
    const addressSize = type === ADDRESS.Domain ? 1 + size : ADDRESS_SIZES.get(type);
    if (addressSize === undefined) throw failed(`answered with the address type ${type}`);
    if (this.#length === 4 + addressSize + 2) this.#step = "done";
  }
}

/** RFC 1928 section 4: version, command, reserved, type, address, port. */
function connectRequest({ hostname, port }: ProxyTarget): Uint8Array {
  return Uint8Array.of(
    VERSION,
    CONNECT,
    0,
    ...addressOf(hostname),
    port >>> 8,
    port & 0xff,
  );
}

/**
 * RFC 1929 section 2: version, user, password.
 *
 * @throws {RangeError} When either is too long, or the user is empty. An empty password is sent
 * despite the RFC: some proxies only use the user name.
 */
export function passwordRequest({ username, password }: ProxyCredentials): Uint8Array {
  return Uint8Array.of(
    PASSWORD_VERSION,
    ...counted("user of a SOCKS5 proxy", username, 1),
    ...counted("password of a SOCKS5 proxy", password, 0),
  );
}

function addressOf(hostname: string): number[] {
  const address = parseIpAddress(hostname);
  if (address !== undefined) {
    return [address.length === 4 ? ADDRESS.IPv4 : ADDRESS.IPv6, ...address];
  }
  if (hostname.includes(":")) throw new TypeError(`"${hostname}" is not an IPv6 address`);
  return [ADDRESS.Domain, ...counted("host name for a SOCKS5 proxy", hostname, 1)];
}

/** Encodes a text as UTF-8 after its length in one byte. */
function counted(what: string, text: string, least: number): number[] {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length < least || bytes.length > 255) {
    throw new RangeError(`The ${what} must have ${least} to 255 bytes, got ${bytes.length}`);
  }
  return [bytes.length, ...bytes];
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  return Uint8Array.of(...first, ...second);
}

function refused(what: string): ConnectionError {
  return new ConnectionError("PROXY_REFUSED", `The SOCKS5 proxy ${what}`);
}

function failed(what: string): ConnectionError {
  return new ConnectionError("PROXY_FAILED", `The proxy does not speak SOCKS5: it ${what}`);
}
