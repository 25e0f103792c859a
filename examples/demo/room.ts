// The chat between the tabs. The same connection tells a tab what the server alone can know: how long
// pings take, and what all of it costs.

import type { Connection, Message } from "@quickws/quickws";

/** A connection of a tab: its room, or one that echoes. */
export interface Visitor {
  /** What the tab calls itself, the same on all its connections. */
  readonly tab: string;
  /** Whether it is the tab's way into the room. */
  readonly inRoom: boolean;
  /** When the last ping left, and whether its pong is still to come. */
  pingedAt: number;
  pinged: boolean;
  /** How many messages the tab may say at once, and when that was. */
  allowance: number;
  allowedAt: number;
}

const MAX_BYTES = 2000;
const MAX_NAME = 24;
const MAX_TEXT = 500;
const REMEMBERED = 30;
/** Messages at once, and one more each second. */
export const ALLOWANCE = 8;

/** What a tab says. */
interface Words {
  readonly name: string;
  readonly text: string;
}

/** Everybody who has the page open. */
export class Room {
  readonly #members = new Set<Connection<Visitor>>();
  readonly #said: string[] = [];
  readonly #welcome: () => Record<string, unknown>;

  /** @param welcome What each tab is told first. */
  constructor(welcome: () => Record<string, unknown>) {
    this.#welcome = welcome;
  }

  /** A tab comes in. */
  enter(member: Connection<Visitor>): void {
    this.#members.add(member);
    member.send(JSON.stringify({ type: "welcome", ...this.#welcome() }));
    for (const words of this.#said) member.send(words);
    this.#tellPeople();
  }

  /** A tab leaves. */
  leave(member: Connection<Visitor>): void {
    this.#members.delete(member);
    this.#tellPeople();
  }

  /** A tab says something. */
  hear(member: Connection<Visitor>, data: Message): void {
    if (data.length > MAX_BYTES) return member.close(1009, "at most 500 characters, please");
    const words = parse(data);
    if (words === undefined) return member.close(1007, "that is not what this room speaks");
    if (!maySpeak(member.data)) {
      member.send(JSON.stringify({ type: "notice", text: "Slow down: one message a second." }));
      return;
    }
    const said = JSON.stringify({ type: "say", ...words, tab: member.data.tab, at: Date.now() });
    this.#said.push(said);
    if (this.#said.length > REMEMBERED) this.#said.shift();
    this.tellAll(said);
  }

  /** Tells everybody. */
  tellAll(message: string): void {
    for (const member of this.#members) member.send(message);
  }

  /** Tells one tab, if it is in the room. */
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

function maySpeak(visitor: Visitor): boolean {
  const now = performance.now();
  const regained = (now - visitor.allowedAt) / 1000;
  visitor.allowance = Math.min(ALLOWANCE, visitor.allowance + regained);
  visitor.allowedAt = now;
  if (visitor.allowance < 1) return false;
  visitor.allowance--;
  return true;
}
