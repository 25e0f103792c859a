// The only wait for time: the absence of an event cannot be awaited.

/** Milliseconds after which an unexpected chunk would have arrived. */
const MOMENT = 300;

/** Long enough for an unexpected event to happen. */
export function aMoment(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, MOMENT));
}
