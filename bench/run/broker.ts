// Starts the brokers that connect the nodes of a fleet.

import { Broker, type BrokerName, brokerPrograms } from "../../tests/support/brokers.ts";
import { requirePrograms } from "../../tests/support/need.ts";
import { moveToServerCore } from "../support/cores.ts";

/**
 * Starts a broker on the core of the servers.
 *
 * @param hasHistory Enables JetStream on NATS. Redis keeps histories in memory and needs no
 * setting.
 */
export async function startBroker(name: BrokerName, hasHistory = false): Promise<Broker> {
  requirePrograms(...brokerPrograms);
  const broker = await Broker.start(name, { jetStream: hasHistory });
  moveToServerCore(broker.pid);
  return broker;
}
