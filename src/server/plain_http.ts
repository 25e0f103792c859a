// Plain HTTP on a WebSocket server's port: one request without a body, one answer in one piece.

import { HandshakeError } from "../errors.ts";
import { isHost, isOriginForm } from "../handshake/outgoing.ts";
import { refusalResponse } from "../handshake/response.ts";
import type { RequestHead } from "../handshake/request_head.ts";

/** What an answer's connection and length are is up to us, not to the user's `Response`. */
const OWN_FIELDS = ["connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"];

/**
 * The request as the web's `Request`.
 *
 * @param head The request.
 * @param secure Whether it came over TLS, which makes its URL `https:`.
 * @throws {HandshakeError} When it is none that can be answered here (400).
 */
export function toRequest(head: RequestHead, secure: boolean): Request {
  const { fields, host, path, method } = head;
  if ((fields.get("content-length") ?? "0") !== "0" || fields.has("transfer-encoding")) {
    throw new HandshakeError("BODY_NOT_ALLOWED", "A request with a body is not answered here", {
      status: 400,
    });
  }
  // RFC 9112 3.2: one Host line, and it must be a host; anything else would lead the URL astray.
  if (fields.getAll("host").length !== 1 || !isHost(host)) {
    throw new HandshakeError("HOST_INVALID", "The request must name its host in one Host field", {
      status: 400,
    });
  }
  try {
    if (!isOriginForm(path)) throw new TypeError("not a path");
    const url = `${secure ? "https" : "http"}://${host}${path}`;
    return new Request(url, { method, headers: [...fields] });
  } catch {
    throw new HandshakeError("HEAD_MALFORMED", "The request cannot be answered here", {
      status: 400,
    });
  }
}

/**
 * Lets the user's `fetch` answer a request.
 *
 * @param fetch The user's hook.
 * @param request The request.
 */
export async function answerPlainRequest(
  fetch: (request: Request) => Response | Promise<Response>,
  request: Request,
): Promise<Uint8Array> {
  const response = await fetch(request);
  const headers = [...response.headers].filter(([name]) => !OWN_FIELDS.includes(name));
  const body = new Uint8Array(await response.arrayBuffer());
  const omitBody = request.method === "HEAD";
  return refusalResponse({ status: response.status, headers, body, omitBody });
}
