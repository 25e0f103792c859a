// The clients of a cluster, with and without automatic reconnection.

import { connect, type Message } from "../../mod.ts";

/** A client with or without automatic reconnection. */
export interface ClusterConnection {
  /** Disconnects permanently. */
  terminate(): void;
}

function nameOf(topic: number): string {
  return `topic ${topic}`;
}

/** Connects once. The server subscribes the connection to these topics. */
export async function connectOnce(
  topics: readonly number[],
  port: number,
  onMessage: (data: Message) => void,
): Promise<ClusterConnection> {
  const url = new URL(`ws://127.0.0.1:${port}/`);
  for (const topic of topics) url.searchParams.append("topic", nameOf(topic));
  return await connect(url, { message: (_, data) => onMessage(data) });
}

/** Connects, and reconnects automatically. The client subscribes to these topics and resumes. */
export async function connectReconnecting(
  topics: readonly number[],
  port: number,
  onMessage: (data: Message) => void,
  missed: () => void,
): Promise<ClusterConnection> {
  const conn = await connect(`ws://127.0.0.1:${port}/`, {
    reconnect: { topics: true, minDelay: 50, maxDelay: 500 },
    message: () => {},
  });
  await Promise.all(
    topics.map((topic) => conn.subscribe(nameOf(topic), { message: onMessage, missed })),
  );
  return conn;
}
