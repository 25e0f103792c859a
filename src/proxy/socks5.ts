// A stream through a SOCKS5 proxy (RFC 1928), with user and password if it asks for them (RFC 1929).

import { ConnectionError } from "../errors.ts";
import { parseIpAddress } from "./ip_address.ts";
import {
  NOTHING,
  type ProxyCredentials,
  type ProxyDialogue,
  type ProxyTarget,
} from "./dialogue.ts";

const VERSION = 5;
/** RFC 1929 section 2: the version of the subnegotiation. */
const AUTH_VERSION = 1;
/** RFC 1928 section 3. */
const METHOD = { None: 0, Password: 2, Unacceptable: 0xff } as const;
/** RFC 1928 section 5. */
const ADDRESS = { IPv4: 1, Domain: 3, IPv6: 4 } as const;
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

/** The longest answer: version, reply, reserved, type, length and 255 bytes of name, port. */
const MAX_REPLY = 4 + 1 + 255 + 2;

/** Asks a SOCKS5 proxy for a stream. */
export class Socks5 implements ProxyDialogue {
  readonly #target: ProxyTarget;
  readonly #credentials: ProxyCredentials | undefined;
  #step: "method" | "auth" | "reply" | "done" = "method";
  readonly #input = new Uint8Array(MAX_REPLY);
  #length = 0;
  #rest = NOTHING;

  /**
   * @param target Where the stream leads; a host name is resolved by the proxy.
   * @param credentials User and password, each 1 to 255 bytes, if the proxy may ask for them.
   * @throws {RangeError} When a name is too long for the protocol.
   */
  constructor(target: ProxyTarget, credentials?: ProxyCredentials) {
    this.#target = target;
    this.#credentials = credentials;
    checkLength("host name", target.hostname);
    if (credentials !== undefined) {
      checkLength("user of the proxy's URL", credentials.username);
      checkLength("password of the proxy's URL", credentials.password);
    }
  }

  /** Whether the stream leads to the target. */
  get done(): boolean {
    return this.#step === "done";
  }

  /** What came behind the proxy's last answer. */
  get rest(): Uint8Array {
    return this.#rest;
  }

  /** RFC 1928 section 3: the methods of authentication that we know. */
  begin(): Uint8Array {
    return this.#credentials === undefined
      ? Uint8Array.of(VERSION, 1, METHOD.None)
      : Uint8Array.of(VERSION, 2, METHOD.None, METHOD.Password);
  }

  /** Takes the proxy's answers. */
  receive(chunk: Uint8Array): Uint8Array {
    let output = NOTHING;
    for (let i = 0; i < chunk.length; i++) {
      this.#input[this.#length++] = chunk[i];
      if (this.#length < this.#needed) continue;
      output = this.#answer();
      this.#length = 0;
      if (this.done) {
        this.#rest = chunk.subarray(i + 1);
        break;
      }
    }
    return output;
  }

  /** The length of the answer that is being read, as far as its bytes so far tell. */
  get #needed(): number {
    if (this.#step !== "reply") return 2;
    if (this.#length < 5) return 5;
    const type = this.#input[3];
    const size = type === ADDRESS.IPv4 ? 4 : type === ADDRESS.IPv6 ? 16 : 1 + this.#input[4];
    return 4 + size + 2;
  }

  #answer(): Uint8Array {
    if (this.#step === "method") return this.#chooseMethod(this.#input[0], this.#input[1]);
    if (this.#step === "auth") {
      // RFC 1929 2: any status other than 0 means failure.
      if (this.#input[1] !== 0) throw refused("refused the user and password of its URL");
      return this.#request();
    }
    this.#checkReply();
    this.#step = "done";
    return NOTHING;
  }

  #chooseMethod(version: number, method: number): Uint8Array {
    if (version !== VERSION) throw failed(`answered with version ${version}`);
    if (method === METHOD.None) return this.#request();
    if (method === METHOD.Password && this.#credentials !== undefined) {
      this.#step = "auth";
      const { username, password } = this.#credentials;
      return concat([AUTH_VERSION], counted(username), counted(password));
    }
    if (method === METHOD.Unacceptable) {
      throw refused(
        this.#credentials === undefined
          ? "wants authentication, and its URL has no user"
          : "accepts neither user and password nor none",
      );
    }
    throw failed(`chose the method ${method}, which was not offered`);
  }

  /** RFC 1928 section 4. */
  #request(): Uint8Array {
    this.#step = "reply";
    const { hostname, port } = this.#target;
    return concat(
      [VERSION, CONNECT, 0],
      addressOf(hostname),
      [port >>> 8, port & 0xff],
    );
  }

  #checkReply(): void {
    const [version, reply, , type] = this.#input;
    if (version !== VERSION) throw failed(`answered with version ${version}`);
    if (reply !== 0) {
      const { hostname, port } = this.#target;
      throw refused(`cannot connect to ${hostname}:${port}: ${REPLIES[reply] ?? `code ${reply}`}`);
    }
    if (type !== ADDRESS.IPv4 && type !== ADDRESS.IPv6 && type !== ADDRESS.Domain) {
      throw failed(`answered with the address type ${type}`);
    }
  }
}

function addressOf(hostname: string): number[] {
  const address = parseIpAddress(hostname);
  if (address === undefined) return [ADDRESS.Domain, ...counted(hostname)];
  return [address.length === 4 ? ADDRESS.IPv4 : ADDRESS.IPv6, ...address];
}

function counted(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return [bytes.length, ...bytes];
}

function concat(...parts: number[][]): Uint8Array {
  return Uint8Array.from(parts.flat());
}

function checkLength(what: string, text: string): void {
  const { length } = new TextEncoder().encode(text);
  if (length < 1 || length > 255) {
    throw new RangeError(`SOCKS5 takes 1 to 255 bytes as the ${what}, got ${length}`);
  }
}

function refused(what: string): ConnectionError {
  return new ConnectionError("PROXY_REFUSED", `The SOCKS5 proxy ${what}`);
}

function failed(what: string): ConnectionError {
  return new ConnectionError("PROXY_FAILED", `The proxy does not speak SOCKS5: it ${what}`);
}
