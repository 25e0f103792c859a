// Runs every scenario of the differential suite with `ws` on both sides, with quickws on both
// sides, and with one on each side. Prints the transcripts as JSON.

import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import process from "node:process";
import quickws from "../../src/ws.ts";
import { type Implementations, setDigest, Transcript, type WsModule } from "./harness.ts";
import { scenarios } from "./scenarios.ts";

/** Loaded by path, because Bun replaces the package `ws` with its built-in one. */
const ws: WsModule = createRequire(import.meta.url)(process.argv[2]!);
const filter = process.argv[3];

setDigest((text) => createHash("sha1").update(text).digest("base64"));

const PAIRS: Record<string, Implementations> = {
  "ws and ws": { client: ws, server: ws },
  "quickws and quickws": { client: quickws, server: quickws },
  "quickws client and ws server": { client: quickws, server: ws },
  "ws client and quickws server": { client: ws, server: quickws },
};

const LIMIT = 240_000;

async function transcriptOf(
  name: string,
  implementations: Implementations,
): Promise<Record<string, string[]>> {
  const scenario = scenarios.find((candidate) => candidate.name === name)!;
  const transcript = new Transcript();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      transcript.add("suite", "timed out");
      resolve();
    }, LIMIT);
  });
  const run = scenario.run(implementations, transcript).catch((error: unknown) => {
    transcript.add("suite", "failed", error);
  });
  await Promise.race([run, late]);
  clearTimeout(timer);
  return transcript.lines;
}

process.on("uncaughtException", (error) => {
  console.log(JSON.stringify({ uncaught: String(error.stack) }));
});

for (const { name } of scenarios) {
  if (filter !== undefined && !name.includes(filter)) continue;
  const results: Record<string, Record<string, string[]>> = {};
  for (const [pair, implementations] of Object.entries(PAIRS)) {
    results[pair] = await transcriptOf(name, implementations);
  }
  console.log(JSON.stringify({ name, results }));
}
process.exit();
