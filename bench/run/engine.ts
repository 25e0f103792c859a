// The engines that join the nodes of a fleet.

import { Engine, type EngineName, installEngines } from "../../tests/support/engines.ts";
import { moveToServerCore } from "../support/cores.ts";

/** Starts an engine that keeps nothing, on the core of the servers. */
export async function startEngine(name: EngineName): Promise<Engine> {
  installEngines();
  const engine = await Engine.start(name, { jetStream: false });
  moveToServerCore(engine.pid);
  return engine;
}
