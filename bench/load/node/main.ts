// The load generator for machines without Go: like bench/load/go, but slower.

import process from "node:process";
import type { Load, LoadResult } from "../load.ts";
import { Exchange } from "./exchange.ts";
import { handshakes, idle } from "./openings.ts";
import { acceptAll, dialAll } from "./sockets.ts";

async function run(load: Load): Promise<Partial<LoadResult>> {
  switch (load.kind) {
    case "idle":
      return await idle(load);
    case "handshakes":
      return await handshakes(load);
    case "held":
      throw new Error('The load "held" needs the generator in Go: install Go');
    case "client":
      return await new Exchange(load, await acceptAll(load)).run();
    case "echo":
    case "broadcast":
    case "publish":
      return await new Exchange(load, await dialAll(load)).run();
  }
}

const result = await run(JSON.parse(process.argv[2]!));
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
