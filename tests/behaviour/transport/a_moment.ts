// The one wait for time: that nothing comes is no event that could be awaited.

/** Milliseconds in which a chunk that should not come would have come. */
const MOMENT = 300;

/** Long enough for what should not happen to happen. */
export function aMoment(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, MOMENT));
}
