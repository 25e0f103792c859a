// The messages that cluster nodes publish, alternately text and binary.

/** The number of topics. Nodes publish to them in turn. */
export const TOPICS = 20;

/** Identifies a message. */
export interface ClusterMessage {
  /** The node that published it. */
  readonly node: number;
  /** The number of earlier starts of that node. */
  readonly restarts: number;
  /** The sequence number within that node. */
  readonly number: number;
}

/** Returns the topic of a message number. */
export function topicOf(number: number): string {
  return `topic ${number % TOPICS}`;
}

/** Encodes a message. */
export function messageOf({ node, restarts, number }: ClusterMessage): string | Uint8Array {
  const text = `${node} ${restarts} ${number}`;
  return number % 2 === 0 ? text : Uint8Array.of(0xff, ...new TextEncoder().encode(text));
}

/** Decodes a received message. */
export function readMessage(data: string | Uint8Array): ClusterMessage {
  const text = typeof data === "string" ? data : new TextDecoder().decode(data.subarray(1));
  const [node, restarts, number] = text.split(" ").map(Number);
  if ((number! % 2 === 0) !== (typeof data === "string")) throw new Error(`wrong kind: ${text}`);
  return { node: node!, restarts: restarts!, number: number! };
}
