// A TCP proxy that injects faults, as a process on Node. It prints its ports, one for each target.
// For each command, it closes all connections and prints the number of faults that it injected since
// the last command.

import { once } from "node:events";
import net from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";
import { Random } from "../support/random.ts";
import { type FaultKind, faultKinds, type FaultRules, nextFault } from "./faults.ts";
import { Flow } from "./flow.ts";

/** The argument of the proxy, as JSON. */
export interface FaultProxyOptions {
  /** The target ports. */
  readonly targets: readonly number[];
  /** The source address of its connections. Several addresses avoid running out of ports. */
  readonly from: string;
  readonly seed: number;
  readonly rules: FaultRules;
}

/** A command: to close all connections, or also to end. */
export type ProxyCommand = "cut" | "stop";

/** The faults injected since the last report. */
export interface ProxyReport {
  readonly connections: number;
  readonly faults: Readonly<Record<FaultKind, number>>;
}

const options: FaultProxyOptions = JSON.parse(process.argv[2]);
const random = new Random(options.seed);
const noFaults = Object.fromEntries(faultKinds.map((kind) => [kind, 0]));
const sockets = new Set<net.Socket>();
let faults = { ...noFaults } as Record<FaultKind, number>;
let connections = 0;

function accept(near: net.Socket, target: number): void {
  connections++;
  const fault = nextFault(random, options.rules);
  const towardsServer = random.below(2) === 0;
  const far = net.connect({
    port: target,
    host: "127.0.0.1",
    localAddress: options.from,
    allowHalfOpen: true,
    noDelay: true,
  });
  const onFault = (): void => void (fault && faults[fault.kind]++);
  new Flow(near, far, towardsServer ? fault : undefined, onFault);
  new Flow(far, near, towardsServer ? undefined : fault, onFault);
  for (const [one, other] of [[near, far], [far, near]]) {
    sockets.add(one);
    one.on("error", () => other.resetAndDestroy());
    one.on("close", () => {
      sockets.delete(one);
      other.destroy();
    });
  }
}

async function listen(target: number): Promise<number> {
  const listener = net.createServer(
    { allowHalfOpen: true, noDelay: true },
    (near) => accept(near, target),
  );
  listener.listen({ port: 0, host: "127.0.0.1", backlog: 4096 });
  await once(listener, "listening");
  return (listener.address() as net.AddressInfo).port;
}

console.log(JSON.stringify({ ports: await Promise.all(options.targets.map(listen)) }));

createInterface(process.stdin).on("line", (line) => {
  const report: ProxyReport = { connections, faults };
  for (const socket of sockets) socket.resetAndDestroy();
  faults = { ...noFaults } as Record<FaultKind, number>;
  connections = 0;
  process.stdout.write(`${JSON.stringify(report)}\n`, () => {
    if (line === JSON.stringify("stop" satisfies ProxyCommand)) process.exit();
  });
});
