// Parses URLs, and redacts them for error messages.

import { show } from "../shared/check.ts";

/** The parsed target of a URL. */
export interface Target {
  /** The URL as `ws:` or `wss:`, without user information. */
  readonly url: string;
  /** Whether it is `wss:`. */
  readonly secure: boolean;
  /** The host to connect to; an IPv6 address without brackets. */
  readonly hostname: string;
  /** The port to connect to. */
  readonly port: number;
  /** The path of the unix socket to connect to instead. */
  readonly unix: string | undefined;
  /** The value of the Host field. */
  readonly host: string;
  /** The request target: path and query. */
  readonly path: string;
  /** The value of an Authorization field for the URL's user information, if it has any. */
  readonly authorization: string | undefined;
}

/** The accepted schemes, and whether they mean TLS. */
const SCHEMES: ReadonlyMap<string, { secure: boolean; unix: boolean }> = new Map([
  ["ws:", { secure: false, unix: false }],
  ["wss:", { secure: true, unix: false }],
  ["http:", { secure: false, unix: false }],
  ["https:", { secure: true, unix: false }],
  ["ws+unix:", { secure: false, unix: true }],
  ["wss+unix:", { secure: true, unix: true }],
]);

/**
 * Parses a URL. `http:` and `https:` are treated as `ws:` and `wss:`. `ws+unix:/run/app.sock:/chat`
 * is the path `/chat` of a server on a unix socket, the form of its `server.url`.
 *
 * @throws {TypeError} When it is not a URL, has another scheme, or a fragment.
 */
export function parseTarget(input: string | URL): Target {
  const url = urlOf(input);
  const scheme = SCHEMES.get(url.protocol);
  if (scheme === undefined) {
    throw new TypeError(`The URL must begin with ws:// or wss://, got ${show(redacted(input))}`);
  }
  // RFC 6455 3: "Fragment identifiers are meaningless in the context of WebSocket URIs and MUST NOT
  // be used on these URIs."
  if (url.hash !== "") {
    throw new TypeError(`The URL must not have a fragment, got ${show(redacted(input))}`);
  }
  const { secure } = scheme;
  if (scheme.unix) return unixTarget(url, secure);
  const path = url.pathname + url.search;
  const defaultPort = secure ? 443 : 80;
  return {
    url: `${secure ? "wss" : "ws"}://${url.host}${path}`,
    secure,
    hostname: withoutBrackets(url.hostname),
    port: url.port === "" ? defaultPort : Number(url.port),
    unix: undefined,
    host: url.host,
    path,
    authorization: basicAuthorization(url),
  };
}

/** The socket path ends at its first colon; a colon within it is written %3A. */
function unixTarget(url: URL, secure: boolean): Target {
  const colon = url.pathname.indexOf(":");
  const socket = colon === -1 ? url.pathname : url.pathname.slice(0, colon);
  const pathname = colon === -1 ? "/" : url.pathname.slice(colon + 1);
  if (url.host !== "" || socket === "" || !pathname.startsWith("/")) {
    throw new TypeError(
      "The URL of a unix socket must be ws+unix:/path/of/the.sock:/path/of/the/url, got " +
        show(redacted(url)),
    );
  }
  return {
    url: `${url.protocol}${socket}:${pathname}${url.search}`,
    secure,
    hostname: "localhost",
    port: secure ? 443 : 80,
    unix: percentDecoded("path of the unix socket", socket),
    host: "localhost",
    path: pathname + url.search,
    authorization: undefined,
  };
}

/** The error of `URL` is not kept as a cause: its text contains the URL, passwords included. */
function urlOf(input: unknown): URL {
  if (input instanceof URL) return input;
  if (typeof input === "function") {
    throw new TypeError(
      "The URL must be a string or a URL, got a function: a function that returns the URL for each " +
        'attempt needs the option "reconnect", such as reconnect: true',
    );
  }
  if (typeof input !== "string") {
    throw new TypeError(`The URL must be a string or a URL, got ${show(input)}`);
  }
  if (!URL.canParse(input)) {
    throw new TypeError(`The URL is not valid: ${show(redacted(input))}`);
  }
  return new URL(input);
}

/** A host in the form that sockets accept: IPv6 addresses have brackets only in URLs. */
export function withoutBrackets(hostname: string): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}

/**
 * A URL, valid or not, for an error message: without user, password, query and fragment, which may
 * contain secrets.
 */
export function redacted(input: string | URL): string {
  const text = String(input);
  if (URL.canParse(text)) {
    const { protocol, host, username, password, pathname, search, hash } = new URL(text);
    if (host !== "") {
      if (username + password + search + hash === "") return text;
      const user = username + password === "" ? "" : "***@";
      const path = pathname + (search === "" ? "" : "?***") + (hash === "" ? "" : "#***");
      return `${protocol}//${user}${host}${path}`;
    }
  }
  return text
    // An unencoded password may contain any character.
    .replace(/^([a-z][a-z0-9+.-]*:)?([/\\]*).*@/is, "$1$2***@")
    .replace(/([?#]).*/s, "$1***");
}

/** RFC 7617: the user information of a URL as Basic credentials. */
function basicAuthorization(url: URL): string | undefined {
  if (url.username === "" && url.password === "") return undefined;
  const user = percentDecoded("user of the URL", url.username);
  const credentials = `${user}:${percentDecoded("password of the URL", url.password)}`;
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(credentials)))}`;
}

/** @throws {TypeError} Unless the text is percent-encoded UTF-8. The message omits the text. */
export function percentDecoded(what: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TypeError(`The ${what} must be percent-encoded UTF-8: write % as %25`);
  }
}
