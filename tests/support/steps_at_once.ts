// Tests whose steps run concurrently, because they mostly wait for other processes or timers.

/** A step: its name and its function. */
export type Step = readonly [name: string, run: (t: Deno.TestContext) => Promise<void>];

/** Runs the steps of a test, at most `limit` at the same time. */
async function runSteps(t: Deno.TestContext, limit: number, steps: readonly Step[]): Promise<void> {
  const left = [...steps];
  const work = async (): Promise<void> => {
    for (let step = left.shift(); step !== undefined; step = left.shift()) await t.step(...step);
  };
  await Promise.all(Array.from({ length: limit }, work));
}

/** Registers a test whose steps run concurrently, at most `limit` at the same time. */
export function testAtOnce(name: string, limit: number, steps: readonly Step[]): void {
  Deno.test({
    name,
    // Deno allows concurrent steps only without these checks.
    sanitizeExit: false,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: (t) => runSteps(t, limit, steps),
  });
}
