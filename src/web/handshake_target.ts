// Validates URLs, subprotocols and the arguments of `close`.

import { isToken } from "../handshake/characters.ts";
import { show } from "../shared/check.ts";

/** The URL of the page, if the runtime or a DOM library has one: the base of relative URLs. */
export function pageUrl(): URL | undefined {
  const { location } = globalThis as { location?: { href?: unknown } };
  const href = location?.href;
  return typeof href === "string" && URL.canParse(href) ? new URL(href) : undefined;
}

/**
 * Parses a URL: `http:` becomes `ws:`, and `https:` becomes `wss:`.
 *
 * @throws {DOMException} `SyntaxError` when the URL is invalid, has another scheme or a fragment.
 */
export function webSocketUrl(input: string): URL {
  const base = pageUrl();
  if (!URL.canParse(input, base?.href)) throw syntaxError(`The URL is not valid: ${show(input)}`);
  const url = new URL(input, base?.href);
  if (url.protocol === "http:") url.protocol = "ws:";
  else if (url.protocol === "https:") url.protocol = "wss:";
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw syntaxError(
      `The scheme of the URL must be ws, wss, http or https, got ${show(url.protocol)}`,
    );
  }
  // `hash` is also empty for an empty fragment.
  if (url.href.includes("#")) {
    throw syntaxError(`The URL must not have a fragment, got ${show(input)}`);
  }
  return url;
}

/**
 * Validates the subprotocols to offer.
 *
 * @throws {DOMException} `SyntaxError` unless all are tokens (RFC 6455 section 4.1), and distinct even
 * when case is ignored, as browsers require.
 */
export function checkProtocols(protocols: readonly string[]): void {
  for (const protocol of protocols) {
    if (!isToken(protocol)) {
      throw syntaxError(`The subprotocol ${show(protocol)} is not a token (RFC 9110 5.6.2)`);
    }
  }
  const distinct = new Set(protocols.map((protocol) => protocol.toLowerCase()));
  if (distinct.size !== protocols.length) {
    throw syntaxError(`The subprotocols must be distinct, got ${protocols.join(", ")}`);
  }
}

/** Ports blocked by the Fetch Standard (section "Port blocking"). */
const BLOCKED_PORTS: ReadonlySet<string> = new Set(
  ("0 1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 " +
    "113 115 117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 " +
    "548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 " +
    "6000 6566 6665 6666 6667 6668 6669 6679 6697 10080").split(" "),
);

/** Whether the Fetch Standard blocks the URL's port. */
export function hasBlockedPort(url: URL): boolean {
  return BLOCKED_PORTS.has(url.port);
}

/**
 * Checks the arguments of `close`.
 *
 * @throws {DOMException} `InvalidAccessError` unless the code is 1000 or 3000 to 4999; `SyntaxError`
 * when the reason is over 123 bytes of UTF-8.
 */
export function checkClose(code: number | undefined, reason: string): void {
  if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) {
    throw new DOMException(
      `Cannot close: the code must be 1000 or 3000 to 4999, got ${code}`,
      "InvalidAccessError",
    );
  }
  const size = new TextEncoder().encode(reason).length;
  if (size > 123) {
    throw syntaxError(`Cannot close: the reason must be at most 123 bytes of UTF-8, got ${size}`);
  }
}

function syntaxError(message: string): DOMException {
  return new DOMException(message, "SyntaxError");
}
