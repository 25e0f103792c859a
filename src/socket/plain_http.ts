// Plain HTTP on a WebSocket server's port: one request without a body, one answer in one piece.

import { HandshakeError } from "../errors.ts";
import { refusalResponse } from "../handshake/response.ts";
import type { RequestHead } from "../handshake/request_head.ts";

/** What an answer's connection and length are is up to us, not to the user's `Response`. */
const OWN_FIELDS = ["connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"];

/**
 * Lets the user's `fetch` answer a request.
 *
 * @param fetch The user's hook.
 * @param head The request.
 * @param secure Whether it came over TLS, which makes its URL `https:`.
 * @throws {HandshakeError} When the request is none that can be answered here (400).
 */
export async function answerPlainRequest(
  fetch: (request: Request) => Response | Promise<Response>,
  head: RequestHead,
  secure: boolean,
): Promise<Uint8Array> {
  const response = await fetch(toRequest(head, secure));
  const headers = [...response.headers].filter(([name]) => !OWN_FIELDS.includes(name));
  const body = new Uint8Array(await response.arrayBuffer());
  return refusalResponse({
    status: response.status,
    headers,
    body,
    omitBody: head.method === "HEAD",
  });
}

function toRequest(head: RequestHead, secure: boolean): Request {
  if ((head.fields.get("content-length") ?? "0") !== "0" || head.fields.has("transfer-encoding")) {
    throw new HandshakeError("BODY_NOT_ALLOWED", "A request with a body is not answered here", {
      status: 400,
    });
  }
  try {
    const url = `${secure ? "https" : "http"}://${head.host}${head.path}`;
    return new Request(url, { method: head.method, headers: [...head.fields] });
  } catch {
    throw new HandshakeError("HEAD_MALFORMED", "The request cannot be answered here", {
      status: 400,
    });
  }
}
