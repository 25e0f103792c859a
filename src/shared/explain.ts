// Explains socket errors: each runtime has its own code, class or message for the same failure, and
// none names an option of this library.

import { show } from "./check.ts";

/** The runtime's message and code of a socket failure, without repetition. */
export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return show(cause);
  const code = codeOf(cause);
  const text = cause.message === "" ? cause.name : cause.message;
  return code === "" || text.includes(code) ? text : `${text} (${code})`;
}

function codeOf(cause: Error): string {
  return "code" in cause && typeof cause.code === "string" ? cause.code : "";
}

function factsOf(cause: unknown): string {
  return cause instanceof Error ? `${codeOf(cause)} ${cause.name} ${reasonOf(cause)}` : "";
}

const ADDRESS_IN_USE = /EADDRINUSE|AddrInUse/;
const REFUSED = /ECONNREFUSED|ConnectionRefused/;

/** A pattern for the code, name or message of an error, and the remedy. */
type Remedy = readonly [failure: RegExp, advice: string];

const LISTEN: readonly Remedy[] = [
  [ADDRESS_IN_USE, "Stop the other server, or choose another address or port"],
  [
    /EADDRNOTAVAIL|AddrNotAvailable|EINVAL/,
    'No network interface of this machine has the address; "0.0.0.0" and "::" mean all of them',
  ],
  [
    /EACCES|EPERM|PermissionDenied/,
    "Ports below 1024 need administrator rights; the directory of a socket must exist and be writable",
  ],
  [/ENOTFOUND|EAI_|lookup address/, "The host name cannot be resolved"],
  [/ENOENT|NotFound/, "The directory of the socket does not exist"],
];

const CONNECT: readonly Remedy[] = [
  [REFUSED, "No server listens at this address"],
  [/ENOTFOUND|EAI_|lookup address/, "The host name cannot be resolved"],
  [/ENOENT|NotFound/, "There is no such socket"],
];

const TLS: readonly Remedy[] = [
  [
    /SELF_SIGNED|UNABLE_TO_(VERIFY|GET)|UnknownIssuer|CaUsedAsEndEntity|self.signed/i,
    "No trusted authority has signed the server's certificate. If you trust it, add the certificate " +
    "of its authority (PEM), or a self-signed certificate itself, to tls.caCerts",
  ],
  [
    /ALTNAME|not valid for name|NotValidForName/i,
    "The server's certificate is for another name. Connect to that name, or set tls.serverName to it",
  ],
  [/HAS_EXPIRED|expired/i, "The server's certificate must be renewed"],
  [
    /NOT_YET_VALID|not valid yet|NotValidYet/i,
    "The clock of this machine or of the server is wrong",
  ],
  [
    /WRONG_VERSION_NUMBER|InvalidContentType|wrong version|packet length too long/i,
    "The server does not speak TLS on this port; without TLS use ws:// instead of wss://",
  ],
];

/** Whether a server listens on an existing unix socket. */
export type SocketUse = "server" | "none" | "unknown";

const SOCKET_IN_USE: Readonly<Record<SocketUse, string>> = {
  server: "Another server listens there: stop it, or choose another path",
  none:
    "No server listens there: if the file is left over from a process that was killed, remove the file",
  unknown:
    "Stop the server that listens there; if the file is left over from a process that was killed, " +
    "remove the file",
};

/**
 * The cause of a failed `listen`, and the remedy.
 *
 * @param use For a unix socket, whether another server listens there.
 */
export function explainListen(cause: unknown, use?: SocketUse): string {
  if (use === undefined) return explain(cause, LISTEN);
  return explain(cause, [[ADDRESS_IN_USE, SOCKET_IN_USE[use]], ...LISTEN]);
}

/** Whether a connection attempt failed because there is no listener. */
export function isConnectionRefused(cause: unknown): boolean {
  return REFUSED.test(factsOf(cause));
}

/**
 * The cause of a failed connection attempt, and the remedy.
 *
 * @param secure Whether the attempt used TLS.
 */
export function explainConnect(cause: unknown, secure: boolean): string {
  return explain(cause, secure ? [...CONNECT, ...TLS] : CONNECT);
}

function explain(cause: unknown, remedies: readonly Remedy[]): string {
  const reason = reasonOf(cause);
  const facts = factsOf(cause);
  const remedy = remedies.find(([failure]) => failure.test(facts));
  return remedy === undefined ? reason : `${reason}. ${remedy[1]}`;
}
