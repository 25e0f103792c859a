// One connection to Redis, whatever client it is reached with. It never connects anew: the clients do
// so in different ways, and send again what may have arrived already.

import type { RedisClient } from "./clients.ts";

/** Who hears of a connection. */
export interface LinkListener {
  /** A message came. */
  message(channel: string, message: string | Uint8Array): void;
  /** It is lost, or was never made. May be told several times. */
  lost(error: unknown): void;
}

/** A connection that is made, until it is lost or closed. */
export interface RedisLink {
  /** Whether it can be used. */
  readonly isReady: boolean;
  /** Publishes a message. */
  publish(channel: string, message: string): Promise<unknown>;
  /** Sends any command. */
  command(name: string, ...args: string[]): Promise<unknown>;
  /** Wants the messages of a channel. */
  subscribe(channel: string): Promise<unknown>;
  /** Wants them no more. */
  unsubscribe(channel: string): Promise<unknown>;
  /** Ends it. */
  close(): void;
}

/** Connects as a client does that is left alone; rejects when it can't. */
export type DialRedis<C extends RedisClient> = (
  client: C,
  listener: LinkListener,
) => Promise<RedisLink>;
