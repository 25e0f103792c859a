// The chat between tabs. On the same connection, each tab receives the server's measurements: ping
// times and resource usage.

import type { Connection, Message } from "@quickws/quickws";
import type { Visitor } from "./visitor.ts";

const MAX_BYTES = 2000;
const MAX_NAME = 24;
const MAX_TEXT = 500;
const REMEMBERED = 30;

/** A message from a tab. */
interface Words {
  readonly name: string;
  readonly text: string;
}

/** A message with its author and time. */
interface Said extends Words {
  readonly tab: string;
  readonly at: number;
}

/** The chat room. */
export class Room {
  readonly #members = new Set<Connection<Visitor>>();
  readonly #said: Said[] = [];
  readonly #welcome: () => Record<string, unknown>;

  /** @param welcome Creates the first message to each tab. */
  constructor(welcome: () => Record<string, unknown>) {
    this.#welcome = welcome;
  }

  /** Adds a tab. */
  enter(member: Connection<Visitor>): void {
    this.#members.add(member);
    member.send(JSON.stringify({ type: "welcome", ...this.#welcome() }));
    for (const said of this.#said) repeat(member, said);
    this.#tellPeople();
  }

  /** Removes a tab. */
  leave(member: Connection<Visitor>): void {
    this.#members.delete(member);
    this.#tellPeople();
  }

  /** Handles a message from a tab. */
  hear(member: Connection<Visitor>, data: Message): void {
    if (data.length > MAX_BYTES) return member.close(1009, "at most 500 characters, please");
    const words = parse(data);
    if (words === undefined) return member.close(1007, "not a chat message");
    if (!member.data.maySpeak()) {
      member.send(JSON.stringify({ type: "notice", text: "Slow down: one message per second." }));
      return;
    }
    const said = { ...words, tab: member.data.tab, at: Date.now() };
    this.#said.push(said);
    if (this.#said.length > REMEMBERED) this.#said.shift();
    for (const each of this.#members) repeat(each, said);
  }

  /** Sends a message to all tabs. */
  tellAll(message: string): void {
    for (const member of this.#members) member.send(message);
  }

  /** Sends a message to one tab, if it is in the room. */
  tell(tab: string, message: Record<string, unknown>): void {
    for (const member of this.#members) {
      if (member.data.tab === tab) member.send(JSON.stringify(message));
    }
  }

  #tellPeople(): void {
    this.tellAll(JSON.stringify({ type: "people", count: this.#members.size }));
  }
}

function parse(data: Message): Words | undefined {
  if (typeof data !== "string") return undefined;
  try {
    const { name, text }: { name?: unknown; text?: unknown } = JSON.parse(data);
    if (typeof name !== "string" || typeof text !== "string") return undefined;
    if (text.trim() === "" || text.length > MAX_TEXT) return undefined;
    return { name: name.trim().slice(0, MAX_NAME) || "somebody", text };
  } catch {
    return undefined;
  }
}

/**
 * Sends a chat message. Other tabs must not learn the author's identifier, only whose message is
 * their own.
 */
function repeat(member: Connection<Visitor>, { tab, ...said }: Said): void {
  member.send(JSON.stringify({ type: "say", ...said, mine: tab === member.data.tab }));
}
