// One connection to Redis, whatever client it is reached with. It never connects anew: the clients do
// so in different ways, and send again what may have arrived already.

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

/** Waits until a client has connected, unless it has to be given up before; what is given up, is closed. */
export async function connected(
  connecting: Promise<unknown>,
  signal: AbortSignal,
  close: () => void,
): Promise<void> {
  let giveUp: (() => void) | undefined;
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = () => reject(signal.reason);
    signal.addEventListener("abort", giveUp);
    if (signal.aborted) giveUp();
  });
  try {
    await Promise.race([connecting, givenUp]);
  } catch (error) {
    close();
    throw error;
  } finally {
    signal.removeEventListener("abort", giveUp!);
  }
}
