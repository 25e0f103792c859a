// The engines that join the nodes of a fleet.

import { Engine, type EngineName, installEngines } from "../../tests/support/engines.ts";
import { moveToServerCore } from "../support/cores.ts";

/**
 * Starts an engine on the core of the servers.
 *
 * @param hasHistory Whether NATS is to keep messages; Redis can, but none of them in files.
 */
export async function startEngine(name: EngineName, hasHistory = false): Promise<Engine> {
  installEngines();
  const engine = await Engine.start(name, { jetStream: hasHistory });
  moveToServerCore(engine.pid);
  return engine;
}
