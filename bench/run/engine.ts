// The engines that join the nodes of a fleet.

import { Broker, type BrokerName, brokerPrograms } from "../../tests/support/brokers.ts";
import { requirePrograms } from "../../tests/support/need.ts";
import { moveToServerCore } from "../support/cores.ts";

/**
 * Starts an engine on the core of the servers.
 *
 * @param hasHistory Whether NATS is to keep messages; Redis can, but none of them in files.
 */
export async function startEngine(name: BrokerName, hasHistory = false): Promise<Broker> {
  requirePrograms(...brokerPrograms);
  const engine = await Broker.start(name, { jetStream: hasHistory });
  moveToServerCore(engine.pid);
  return engine;
}
