// The ticker: a fast reader receives every value, a slow one receives the newest value when it
// resumes reading.

import assert from "node:assert/strict";
import { CloseCode, connect } from "../../mod.ts";
import { runtimeNames } from "../support/runtimes.ts";
import { startExample, webSocketUrl } from "./start.ts";

/** Enough load to fill the system's buffers quickly. */
const LOAD = { SYMBOLS: "500", INTERVAL: "5" };

interface Price {
  readonly symbol: string;
  readonly tick: number;
}

for (const runtime of runtimeNames) {
  Deno.test(`a slow reader of the ticker skips values but receives them in order, on ${runtime}`, async () => {
    await using example = startExample(runtime, "ticker.ts", { env: LOAD });
    const url = await webSocketUrl(example);
    const last = new Map<string, number>();
    let skipped = 0;
    let newest = 0;
    let caughtUp = (): void => {};
    const conn = await connect(url, {
      message(_, data) {
        const { symbol, tick }: Price = JSON.parse(String(data));
        const before = last.get(symbol) ?? tick - 1;
        assert.ok(tick > before, `${symbol}: ${tick} after ${before}`);
        skipped += tick - before - 1;
        newest = tick;
        last.set(symbol, tick);
        if (skipped > 0 && last.size === 500) caughtUp();
      },
    });
    conn.pause();
    await example.printed(/[1-9]\d* left out/);
    const done = new Promise<void>((resolve) => caughtUp = resolve);
    conn.resume();
    await done;
    assert.equal(conn.readyState, "open");
    assert.ok(newest > 0 && skipped > 0);
    conn.send("hello?");
    assert.equal((await conn.closed).code, CloseCode.PolicyViolation);
  });
}
