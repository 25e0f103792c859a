// Checks the origin, host name and path of requests.

import { HandshakeError } from "../errors.ts";
import type { ServerRequest } from "../handshake/server.ts";
import { splitHost } from "../handshake/outgoing.ts";
import { show, wrongType } from "../shared/check.ts";
import { callHook, type UpgradeRequest, withoutQuery } from "./upgrade_hook.ts";

// Cross-origin requests. Without this check any page could use its visitors' cookies (cross-site
// WebSocket hijacking; RFC 6455 10.2).

/**
 * The allowed values of `Origin`, sent by browsers.
 *
 * @category Server
 */
export type Origins =
  | "same"
  | "any"
  | readonly string[]
  | ((origin: string, request: UpgradeRequest) => boolean);

/**
 * Whether the origin of a request is allowed.
 *
 * @param allowed The option `allowedOrigins`.
 * @param values The values of the request's `Origin` lines.
 * @param host The host of the request, with its port if it was sent.
 * @param request The argument for a function in the options; its URL shows whether it uses TLS.
 */
export function isOriginAllowed(
  allowed: Origins,
  values: readonly string[],
  host: string,
  request: UpgradeRequest,
): boolean {
  // Only browsers send an Origin, and only their users are vulnerable.
  if (values.length === 0 || allowed === "any") return true;
  if (values.length > 1) return false;
  const origin = values[0];
  if (typeof allowed === "function") return askAboutOrigin(allowed, origin, request);
  if (allowed === "same") return isSameSite(origin, host, request.url.startsWith("wss:"));
  return allowed.includes(origin);
}

function askAboutOrigin(
  isAllowed: (origin: string, request: UpgradeRequest) => boolean,
  origin: string,
  request: UpgradeRequest,
): boolean {
  return callHook(() => isAllowed(origin, request)) === true;
}

/** The response to a request whose origin is not allowed. */
export function originRefused(values: readonly string[], request: UpgradeRequest): HandshakeError {
  const address = request.url.slice(0, request.url.indexOf("/", "wss://".length));
  return new HandshakeError(
    "ORIGIN_REFUSED",
    `Origin ${values.join(", ")} is not allowed for ${address}; add it to \`allowedOrigins\``,
    { status: 403 },
  );
}

/**
 * Compares whole hosts, and the scheme under TLS: a page loaded without TLS may have been tampered
 * with. An opaque origin (`null`) never matches.
 */
function isSameSite(origin: string, host: string, secure: boolean): boolean {
  const scheme = origin.slice(0, origin.indexOf("://") + 3).toLowerCase();
  if (scheme !== "https://" && (secure || scheme !== "http://")) return false;
  const port = scheme === "https://" ? "443" : "80";
  return withPort(origin.slice(scheme.length), port) === withPort(host, port);
}

function withPort(host: string, defaultPort: string): string {
  const { name, port } = splitHost(host.toLowerCase());
  return `${name}:${port === undefined || port === "" ? defaultPort : port}`;
}

/** @throws {TypeError} Unless the option `allowedOrigins` is absent or valid. */
export function checkOrigins(origins: unknown): void {
  if (origins === undefined || origins === "same" || origins === "any") return;
  if (typeof origins === "function") return;
  if (!Array.isArray(origins)) {
    throw wrongType("allowedOrigins", '"same", "any", an array of origins or a function', origins);
  }
  for (const origin of origins) {
    if (typeof origin !== "string" || !isOrigin(origin)) {
      throw new TypeError(
        `Option "allowedOrigins" must list origins such as "https://example.com", got ${
          show(origin)
        }`,
      );
    }
  }
}

/** Whether it is an origin as sent by browsers: scheme, host, and port unless it is the default. */
function isOrigin(text: string): boolean {
  try {
    const url = new URL(text);
    return text === `${url.protocol}//${url.host}`;
  } catch {
    return false;
  }
}

// Host names. In DNS rebinding, a page's own name resolves to this server: its origin and host
// match, but the name is not one of the server's.

/**
 * Whether the host of a request is allowed.
 *
 * @param allowed The option `allowedHosts`; if absent, every name is allowed.
 * @param host The host of the request, with its port if it was sent.
 */
export function isHostAllowed(allowed: readonly string[] | undefined, host: string): boolean {
  return allowed === undefined || allowed.includes(splitHost(host.toLowerCase()).name);
}

/** The response to a request for another host (RFC 9110 15.5.20). */
export function hostRefused(host: string): HandshakeError {
  return new HandshakeError(
    "HOST_REFUSED",
    `Host ${host} is not allowed; add it to \`allowedHosts\``,
    { status: 421 },
  );
}

/** @throws {TypeError} Unless the option `allowedHosts` is absent or a list of host names. */
export function checkHosts(hosts: unknown): void {
  if (hosts === undefined) return;
  if (!Array.isArray(hosts)) throw wrongType("allowedHosts", "an array of host names", hosts);
  for (const host of hosts) {
    if (typeof host !== "string" || !isHostName(host)) {
      throw new TypeError(
        `Option "allowedHosts" must list host names such as "localhost" or "[::1]", got ${
          show(host)
        }`,
      );
    }
  }
}

/** Whether it is a host in lower case without a port; `*` is not a pattern. */
export function isHostName(text: string): boolean {
  try {
    const url = new URL(`http://${text}`);
    return url.href === `http://${text}/` && url.hostname === text && !text.includes("*");
  } catch {
    return false;
  }
}

// All checks, for one request.

/** The options to check a request against. */
export interface Policy {
  /** See the option `allowedHosts`. */
  readonly allowedHosts: readonly string[] | undefined;
  /** See the option `allowedOrigins`. */
  readonly allowedOrigins: Origins;
  /** See the option `path`. */
  readonly path: readonly string[] | undefined;
}

/** The last host accepted by `URL`: most requests have the same. */
let parsedHost: string | undefined;

/**
 * Checks a request against the options.
 *
 * @param call Creates the request for a function in the options.
 * @throws {HandshakeError} When the host, the path or the origin is not allowed.
 * @throws {HookFailure} When a user function throws.
 */
export function checkPolicy(
  rules: Policy,
  request: Pick<ServerRequest, "host" | "path" | "fields">,
  call: { readonly upgradeRequest: UpgradeRequest },
): void {
  const { allowedHosts, allowedOrigins, path } = rules;
  const { host, fields } = request;
  // Otherwise `new URL` would throw in a hook.
  if (host !== parsedHost && !URL.canParse(`http://${host}`)) {
    throw new HandshakeError("HOST_INVALID", "The Host of the request is not valid in a URL", {
      status: 400,
    });
  }
  parsedHost = host;
  if (!isHostAllowed(allowedHosts, host)) throw hostRefused(host);
  if (path !== undefined && !path.includes(withoutQuery(request.path))) throw notFound(request);
  if (allowedOrigins === "any" || !fields.has("origin")) return;
  const origins = fields.getAll("origin");
  const { upgradeRequest } = call;
  if (!isOriginAllowed(allowedOrigins, origins, host, upgradeRequest)) {
    throw originRefused(origins, upgradeRequest);
  }
}

/** The rejection of a request for an unknown path. */
export function notFound({ path }: { readonly path: string }): HandshakeError {
  const message = `No WebSocket is served at ${withoutQuery(path)}; see \`path\``;
  return new HandshakeError("NOT_FOUND", message, { status: 404 });
}

/** The rejection of a request that did not arrive in time. */
export function tooSlow(): HandshakeError {
  return new HandshakeError("HANDSHAKE_TIMEOUT", "The request did not arrive in time", {
    status: 408,
  });
}

/** The rejection of a request whose hook did not decide in time. */
export function undecided(): HandshakeError {
  return new HandshakeError("HANDSHAKE_TIMEOUT", "The upgrade hook did not decide in time", {
    status: 503,
  });
}

/** The rejection of a request during a shutdown. */
export function shuttingDown(): HandshakeError {
  return new HandshakeError("SHUTTING_DOWN", "The server is shutting down", { status: 503 });
}
