// A stream as one message over the global WebSocket, which sends no fragments: its chunks are gathered.

import type { Message } from "../connection/connection_driver.ts";
import { toBytes } from "../shared/bytes.ts";
import type { MessageOpcode } from "../wire/opcode.ts";

/** The connection, as a stream needs it. */
export interface StreamTarget {
  /** Whether it is open. */
  readonly readyState: string;
  /** Sends a message. */
  send(data: string | ArrayBuffer): boolean;
  /** Resolves when more may be sent. */
  drained(): Promise<void>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Sends all chunks of `source` as one message; returns `false` when the connection ended before. */
export async function sendWhole(
  connection: StreamTarget,
  source: AsyncIterable<Message>,
  opcode: MessageOpcode | undefined,
): Promise<boolean> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let isText = opcode === undefined ? undefined : opcode === 1;
  for await (const chunk of source) {
    isText ??= typeof chunk === "string";
    parts.push(typeof chunk === "string" ? encoder.encode(chunk) : toBytes(chunk).slice());
    if (connection.readyState !== "open") return false;
  }
  const bytes = await new Blob(parts).arrayBuffer();
  connection.send(isText ? decoder.decode(bytes) : bytes);
  await connection.drained();
  return connection.readyState === "open";
}
