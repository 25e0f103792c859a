// The messages that the nodes of a cluster publish: every second one is text, the others are
// binary.

/** The topics to publish to, in turn. */
export const TOPICS = 20;

/** Identifies the message. */
export interface ClusterMessage {
  /** The node that published it. */
  readonly node: number;
  /** How often that node was started before. */
  readonly life: number;
  /** Its number among those of the node. */
  readonly number: number;
}

/** The topic of a number. */
export function topicOf(number: number): string {
  return `topic ${number % TOPICS}`;
}

/** The message. */
export function messageOf({ node, life, number }: ClusterMessage): string | Uint8Array {
  const text = `${node} ${life} ${number}`;
  return number % 2 === 0 ? text : Uint8Array.of(0xff, ...new TextEncoder().encode(text));
}

/** Identifies a received message. */
export function readMessage(data: string | Uint8Array): ClusterMessage {
  const text = typeof data === "string" ? data : new TextDecoder().decode(data.subarray(1));
  const [node, life, number] = text.split(" ").map(Number);
  if ((number! % 2 === 0) !== (typeof data === "string")) throw new Error(`wrong kind: ${text}`);
  return { node: node!, life: life!, number: number! };
}
