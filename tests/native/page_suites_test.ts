// Runs the behavior suites with the page client over WebSockets of real browsers. The client runs
// in this process. Each of its sockets is a WebSocket of a page in Chromium or Firefox.

import { connect } from "../../src/browser.ts";
import { denoNetwork } from "../../src/transport/deno.ts";
import { makeFixtures } from "../behaviour/fixtures.ts";
import { runCase } from "../behaviour/harness.ts";
import { pageDifferences, pageSuites } from "../behaviour/page_differences.ts";
import { suites } from "../behaviour/suites.ts";
import { BrowserSocket, BrowserSockets } from "../support/browser_sockets.ts";
import { browsers } from "../support/browsers.ts";
import { useClient } from "../support/live_harness.ts";
import { need } from "../support/need.ts";

for (const [name, { program, open }] of Object.entries(browsers)) {
  need(program)(`behavior suites with the page client in ${name}`, async (t) => {
    await using fixtures = await makeFixtures();
    const sockets = new BrowserSockets();
    const browser = await open(`${sockets.origin}/`);
    await sockets.ready();
    const original = globalThis.WebSocket;
    class PageWebSocket extends BrowserSocket {
      constructor(url: string, protocols: readonly string[]) {
        super(sockets, url, protocols);
      }
    }
    Object.assign(globalThis, { WebSocket: PageWebSocket });
    useClient(connect, { allowedOrigins: [sockets.origin] });
    try {
      for (const suite of pageSuites) {
        const { cases } = await suites[suite]!();
        const differences = pageDifferences(suite, name.toLowerCase());
        for (const [sentence, run] of Object.entries(cases)) {
          if (differences[sentence] !== undefined) continue;
          await t.step(`${suite}: ${sentence}`, async () => {
            const failure = await runCase(run, { runtime: "deno", network: denoNetwork, fixtures });
            if (failure !== undefined) throw new Error(failure);
          });
        }
      }
    } finally {
      Object.assign(globalThis, { WebSocket: original });
      await browser.close();
      await sockets.close();
    }
  });
}
