// The only wait for a fixed time, because the absence of an event cannot be awaited.

/** Milliseconds after which an unexpected chunk would have arrived. */
const WAIT = 300;

/** Waits long enough for an unexpected event to occur. */
export function waitBriefly(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, WAIT));
}
