// The `upgrade` hook of a server: its arguments, its result and validation; and upgrades of other
// HTTP servers.

import type { ErrorCode, HeaderView } from "../errors.ts";
import { HeaderFields } from "../handshake/header_fields.ts";
import { refusalResponse } from "../handshake/response.ts";
import type { RequestHead } from "../handshake/server.ts";
import type { Connection } from "../connection/connection.ts";
import { checkHandlers, HANDLER_NAMES, type Handlers } from "../connection/handlers.ts";
import { checkNames, checkType, type HeaderFieldsInit, show } from "../shared/check.ts";
import type { Transport } from "../transport/transport.ts";
import type { PeerAddress } from "./client_address.ts";

/**
 * A client's upgrade request, as passed to hooks.
 *
 * @category Server
 */
export interface UpgradeRequest {
  /** Always `GET`, unless the request was rejected for its method. */
  readonly method: string;
  /** The requested URL: `ws://127.0.0.1:8080/chat?room=1`. Always valid for `new URL`. */
  readonly url: string;
  /** The path of the URL, without its query: `/chat`. */
  readonly path: string;
  /** The header fields of the request. */
  readonly headers: HeaderView;
  /**
   * The client's address, without the port; empty on a unix socket. With `trustedProxies` or
   * `proxyProtocol` it is the address reported by the proxy. IPv4 addresses are never in IPv6 form.
   */
  readonly remoteAddress: string;
  /** The client's port; 0 if unknown. */
  readonly remotePort: number;
  /** The offered subprotocols, in the client's order of preference. */
  readonly subprotocols: readonly string[];
  /** The TLS session, if this server terminates TLS. */
  readonly tls?: UpgradeTls;
  /** The request object of the HTTP server that read it (`attach`, `createUpgrader`), if any. */
  readonly raw?: unknown;
}

/**
 * The TLS session of a request.
 *
 * @category Server
 */
export interface UpgradeTls {
  /** The server name requested by the client (SNI), if reported by the runtime. */
  readonly serverName: string | undefined;
}

/**
 * Rejects a request with an HTTP response.
 *
 * @category Server
 */
export interface UpgradeRejection {
  /** The HTTP status code, 200 to 599. */
  status: number;
  /** Additional header fields. */
  headers?: HeaderFieldsInit | undefined;
  /** The body of the response. Default: empty. */
  body?: string | Uint8Array | undefined;
}

/**
 * Accepts a request. Every field is optional.
 *
 * @category Server
 */
export interface UpgradeAcceptance<T> {
  /**
   * The subprotocol, one of those offered by the client. Default: chosen by the options
   * `clientTopics` and `subprotocols`.
   */
  subprotocol?: string | undefined;
  /** Additional header fields of the 101 response. */
  headers?: HeaderFieldsInit | undefined;
  /** The initial value of `connection.data`. */
  data?: T | undefined;
  /** Handlers of this connection, instead of the server's. */
  handlers?: Handlers<T> | undefined;
  /**
   * Called exactly once: after the connection has closed (and its `close` handler has run), or when
   * it cannot open because of a disconnection, a timeout or a shutdown. Use it to release resources
   * reserved by the hook, such as a slot of a per-user limit.
   */
  release?: (() => void) | undefined;
  /** Must be absent: a status makes it a rejection. */
  status?: undefined;
}

/**
 * The decision of an `upgrade` hook.
 *
 * @category Server
 */
export type UpgradeDecision<T> = UpgradeRejection | UpgradeAcceptance<T>;

/**
 * The result of an `upgrade` hook: `undefined` accepts; an {@linkcode UpgradeDecision} or a
 * `Response` decides; `"pass"` leaves the request to other `upgrade` listeners of a shared HTTP
 * server.
 *
 * @category Server
 */
export type UpgradeResult<T> = UpgradeDecision<T> | Response | "pass" | void;

/**
 * The result of an `upgrade` hook if every connection has data of the type `T`.
 *
 * @category Server
 */
export type UpgradeResultWithData<T> =
  | UpgradeRejection
  | (UpgradeAcceptance<T> & { data: T })
  | Response
  | "pass";

/**
 * If `T` does not include `undefined`, an `upgrade` hook that returns `data` is required.
 *
 * @category Server
 */
export type UpgradeDataOption<T> = undefined extends T ? unknown : {
  /**
   * Called for each upgrade request that passed the checks; returns the `data` of the connection.
   */
  upgrade(
    request: UpgradeRequest,
  ): UpgradeResultWithData<NoInfer<T>> | Promise<UpgradeResultWithData<NoInfer<T>>>;
};

/**
 * The reason for a rejection, passed to `onRefused`.
 *
 * @category Server
 */
export interface Refusal {
  /** The HTTP status code of the response. */
  readonly status: number;
  /** The stable code of the reason; see docs/errors.md. */
  readonly code: ErrorCode;
  /** A description of the reason. */
  readonly message: string;
}

/** A failure of a hook, not the client's fault. */
export class HookFailure {
  /** The value that the hook threw. */
  readonly cause: unknown;

  /** @param cause The value that the hook threw. */
  constructor(cause: unknown) {
    this.cause = cause;
  }
}

/**
 * Calls a hook.
 *
 * @throws {HookFailure} When it throws.
 */
export function callHook<V>(hook: () => V): V {
  try {
    return hook();
  } catch (cause) {
    throw new HookFailure(cause);
  }
}

const REJECTION_NAMES = ["status", "headers", "body"] as const;
const ACCEPTANCE_NAMES = [
  "subprotocol",
  "headers",
  "data",
  "handlers",
  "release",
  "status",
] as const;
const DECISION_NAMES = [...new Set([...REJECTION_NAMES, ...ACCEPTANCE_NAMES])];

/**
 * Whether it is a web `Response`, perhaps from a library with its own class. The global `Response`
 * is not used: on Node its first use loads an HTTP client of over a megabyte.
 */
export function isResponse(value: unknown): value is Response {
  if (typeof value !== "object" || value === null) return false;
  return "arrayBuffer" in value && "body" in value && "status" in value && "headers" in value &&
    typeof value.arrayBuffer === "function";
}

/** @throws {TypeError} Unless the result of an `upgrade` hook is a decision. */
export function checkDecision<T>(decision: UpgradeDecision<T> | void): void {
  if (decision === undefined) return;
  checkNames("The result of upgrade", decision, DECISION_NAMES);
  const rejects = decision.status !== undefined;
  const allowed: readonly string[] = rejects ? REJECTION_NAMES : ACCEPTANCE_NAMES;
  for (const [name, value] of Object.entries(decision)) {
    if (value === undefined || allowed.includes(name)) continue;
    throw new TypeError(
      `The result of upgrade ${rejects ? "with" : "without"} a status cannot have "${name}", got ${
        show(value)
      }`,
    );
  }
  if (decision.status !== undefined) return;
  checkType("release", decision.release, "function");
  if (decision.handlers === undefined) return;
  checkNames('The result of upgrade as "handlers"', decision.handlers, HANDLER_NAMES);
  checkHandlers(decision.handlers);
}

/** @throws {TypeError} Unless the result of `fetch` is a `Response`. */
export function checkFetched(value: unknown): asserts value is Response {
  if (!isResponse(value)) {
    throw new TypeError(`fetch must return a Response, got ${typeof value}`);
  }
}

/**
 * @throws {RangeError} When a `Response` has a status that does not reject.
 * @throws {TypeError} When its body cannot be sent.
 */
export function checkAnswer({ status, body, bodyUsed }: Response): void {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new RangeError(
      `The Response of the upgrade hook must have a status from 200 to 599, got ${status}`,
    );
  }
  if (bodyUsed || body?.locked) {
    throw new TypeError(
      `The body of the upgrade hook's Response (status ${status}) has already been read: return a new ` +
        "Response, or response.clone() before it is read",
    );
  }
}

/** The release function in the hook's result, if any. */
export function releaseOf(result: unknown): (() => unknown) | undefined {
  if (typeof result !== "object" || result === null || !("release" in result)) return undefined;
  const { release } = result;
  return typeof release === "function" ? () => release.call(result) : undefined;
}

/** The reason for a rejection by the hook. */
export function rejectedByHook(status: number): Refusal {
  return { status, code: "UPGRADE_REJECTED", message: `The upgrade hook answered ${status}` };
}

/** The reason for a rejection because a hook failed. */
export const HOOK_FAILED: Refusal = {
  status: 500,
  code: "HANDLER_FAILED",
  message: "A server hook failed",
};

/** The response after a failed hook. */
export function hookFailed(method: string | undefined): Uint8Array {
  const body = "Internal server error\n";
  return refusalResponse({ status: HOOK_FAILED.status, body, omitBody: method === "HEAD" });
}

/** The properties of a request outside its head. */
export interface RequestFacts {
  /** Whether its URL is `wss:`. */
  readonly secure: boolean;
  /** The offered subprotocols. */
  readonly subprotocols: readonly string[];
  /** The address of the client. */
  readonly peer: PeerAddress;
  /** The TLS session, if there is one. */
  readonly tls: UpgradeTls | undefined;
  /** The request object of the HTTP server that read it. */
  readonly raw: unknown;
}

/** Creates the request for hooks, without a head if that was not read completely. */
export function describeRequest(
  head: RequestHead | undefined,
  { secure, subprotocols, peer, tls, raw }: RequestFacts,
): UpgradeRequest {
  const { remoteAddress, remotePort } = peer;
  if (head === undefined) {
    const headers = new HeaderFields();
    return { method: "", url: "", path: "", headers, remoteAddress, remotePort, subprotocols };
  }
  const request: Mutable<UpgradeRequest> = {
    method: head.method,
    url: urlOf(head, secure),
    path: withoutQuery(head.path),
    headers: head.fields,
    remoteAddress,
    remotePort,
    subprotocols,
  };
  if (tls !== undefined) request.tls = tls;
  if (raw !== undefined) request.raw = raw;
  return request;
}

/** The URL of a request. */
export function urlOf({ host, path }: RequestHead, secure: boolean): string {
  // Joined, because a template would keep the whole head in memory: these are slices of it.
  return [secure ? "wss://" : "ws://", host, path].join("");
}

/** A path without its query. */
export function withoutQuery(path: string): string {
  const query = path.indexOf("?");
  return query === -1 ? path : path.slice(0, query);
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** A socket whose upgrade request was read by another HTTP server. */
export interface UpgradeSocket extends PeerAddress {
  /** The TLS session, if there is one. */
  readonly tls: UpgradeTls | undefined;
  /** Calls back if the client disconnects before the socket is taken over or left. */
  watch(left: () => void): void;
  /**
   * Takes the socket over.
   *
   * @returns The stream, or `undefined` when the client has disconnected.
   * @throws {TypeError} When another listener has answered the request.
   */
  take(): Transport | undefined;
  /** Leaves the socket to other listeners. */
  leave(): void;
  /** Ends the socket after a disconnection, unless another listener has taken it over. */
  drop(): void;
}

/**
 * The values for one connection, set before its `open` handler is called.
 *
 * @category Server
 */
export interface UpgradeCallOptions<T = undefined> {
  /** The initial value of `connection.data`, instead of that of the `upgrade` hook. */
  data?: T | undefined;
  /** Handlers of this connection, instead of those of the `upgrade` hook. */
  handlers?: Handlers<T> | undefined;
}

/** A request read by another HTTP server. */
export interface ForwardedRequest<T> {
  /** Its socket. */
  readonly socket: UpgradeSocket;
  /** Returns its head. */
  readHead(): RequestHead;
  /** The request object of that server. */
  readonly raw: unknown;
  /** The caller's values for the connection. */
  readonly callOptions?: UpgradeCallOptions<T>;
  /** Whether to reject it with 404. */
  readonly isNotFound?: boolean;
  /** The handshake has ended. */
  done?(connection: Connection<T> | undefined): void;
  /** The request is left to other listeners; {@linkcode ForwardedRequest.done} follows. */
  passed?(): void;
}
