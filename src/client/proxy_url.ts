// The option `proxy`: whose URL it is, and what that says. No message repeats a user or password.

import { authorityOf, type ProxyCredentials } from "../proxy/dialogue.ts";
import { basicCredentials } from "../proxy/http_connect.ts";
import { passwordRequest } from "../proxy/socks5.ts";
import { show, wrongType } from "../shared/check.ts";
import { percentDecoded, redacted, withoutBrackets } from "./url.ts";

/**
 * A proxy, or how to find the one for a URL: none where it returns `undefined`. A user and password
 * stand in the proxy's URL, percent-encoded.
 *
 * @example
 * ```ts
 * import { connect, type ProxyOption } from "@quickws/quickws";
 *
 * const proxy: ProxyOption = (url) =>
 *   url.hostname === "localhost" ? undefined : "http://user:p%40ss@proxy.example:3128";
 * export const open = () => connect("wss://a.example/", { proxy });
 * ```
 *
 * @category Client
 */
export type ProxyOption = string | URL | ((url: URL) => string | URL | undefined);

/** The protocol of a proxy for each URL scheme, and the default ports. */
const DEFAULT_PORTS = { http: 80, https: 443, socks5: 1080, socks5h: 1080 } as const;

/** The parts of a proxy's URL. */
export interface ProxyServer {
  /** How it is spoken with. */
  readonly scheme: keyof typeof DEFAULT_PORTS;
  /** Its host name or IP address; an IPv6 address without brackets. */
  readonly hostname: string;
  /** Its port. */
  readonly port: number;
  /** The user and password to show it, where the URL has them. */
  readonly credentials: ProxyCredentials | undefined;
}

/**
 * The proxy that an option means for a URL, if any.
 *
 * @throws {TypeError | RangeError} When it is no URL of a proxy, or its user or password cannot be
 * sent; and what the user's function throws.
 */
export function findProxy(option: ProxyOption | undefined, url: string): ProxyServer | undefined {
  const found: unknown = typeof option === "function" ? option(new URL(url)) : option;
  if (found === undefined) return undefined;
  if (typeof found !== "string" && !(found instanceof URL)) {
    throw wrongType("proxy", "a URL or a function that gives one", found);
  }
  return parseProxy(String(found));
}

function parseProxy(text: string): ProxyServer {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const scheme = url?.protocol.slice(0, -1) ?? "";
  // The scheme of SOCKS proxies is unknown to `URL`, which then leaves the host as it is written.
  const host = `http://${url?.host}`;
  if (url === undefined || !isScheme(scheme) || !URL.canParse(host)) {
    throw new TypeError(
      'Option "proxy" must be a URL with a host that begins with http://, https://, socks5:// or ' +
        `socks5h://, got ${show(redacted(text))}`,
    );
  }
  const server = {
    scheme,
    hostname: withoutBrackets(new URL(host).hostname),
    port: url.port === "" ? DEFAULT_PORTS[scheme] : Number(url.port),
    credentials: credentialsOf(url, scheme),
  };
  authorityOf(server);
  return server;
}

function isScheme(scheme: string): scheme is ProxyServer["scheme"] {
  return Object.hasOwn(DEFAULT_PORTS, scheme);
}

function credentialsOf(
  { username, password }: URL,
  scheme: ProxyServer["scheme"],
): ProxyCredentials | undefined {
  if (username === "" && password === "") return undefined;
  const what = 'user and password of option "proxy"';
  const credentials = {
    username: percentDecoded(what, username),
    password: percentDecoded(what, password),
  };
  // Checked now, before anything is opened.
  if (scheme === "http" || scheme === "https") basicCredentials(credentials);
  else passwordRequest(credentials);
  return credentials;
}
