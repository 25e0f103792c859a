// Who may connect from a browser: without this check any page could use its visitors' cookies here
// (cross-site WebSocket hijacking; RFC 6455 10.2).

import { HandshakeError } from "../errors.ts";
import type { Origins, UpgradeRequest } from "./serve_options.ts";

/**
 * Whether a request is let in.
 *
 * @param origins The option.
 * @param values The values of the request's `Origin` lines.
 * @param host The host of the request, with its port if it was sent.
 * @param request What a function among the options is called with.
 */
export function isOriginAllowed(
  origins: Origins,
  values: readonly string[],
  host: string,
  request: UpgradeRequest,
): boolean {
  // Programs send no Origin; only browsers must, and only their users can be tricked.
  if (values.length === 0 || origins === "any") return true;
  if (values.length > 1) return false;
  const origin = values[0];
  if (typeof origins === "function") return origins(origin, request) === true;
  if (origins === "same") return isSameHost(origin, host);
  return origins.includes(origin);
}

/** The answer to a request that is not let in: it names the option, for who runs the server. */
export function originRefused(values: readonly string[], host: string): HandshakeError {
  return new HandshakeError(
    "ORIGIN_REFUSED",
    `The origin ${values.join(", ")} may not connect to ${host}; ` +
      'the server\'s option "allowedOrigins" says which may',
    { status: 403 },
  );
}

/** Compares whole hosts, never parts of them; an opaque origin (`null`) is nobody's. */
function isSameHost(origin: string, host: string): boolean {
  const scheme = origin.indexOf("://");
  if (scheme === -1) return false;
  const defaultPort = defaultPortOf(origin.slice(0, scheme));
  const originHost = origin.slice(scheme + 3).toLowerCase();
  return withoutPort(originHost, defaultPort) === withoutPort(host.toLowerCase(), defaultPort);
}

function defaultPortOf(scheme: string): string {
  return scheme === "https" ? ":443" : scheme === "http" ? ":80" : "";
}

function withoutPort(host: string, port: string): string {
  return port !== "" && host.endsWith(port) ? host.slice(0, -port.length) : host;
}
