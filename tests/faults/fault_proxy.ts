// A TCP proxy that injects faults, as a process on Node. It prints its port. For each input line,
// it prints the number of injected faults. `stop` ends it.

import net from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";
import { Random } from "../support/random.ts";
import { type FaultKind, faultKinds, type FaultRules, nextFault } from "./faults.ts";
import { Flow } from "./flow.ts";

/** The argument of the proxy, as JSON. */
export interface FaultProxyOptions {
  /** The target port. */
  readonly target: number;
  /** The source address of its connections. Several addresses avoid running out of ports. */
  readonly from: string;
  readonly seed: number;
  readonly rules: FaultRules;
}

/** The faults injected so far. */
export interface ProxyReport {
  readonly connections: number;
  readonly faults: Readonly<Record<FaultKind, number>>;
}

const options: FaultProxyOptions = JSON.parse(process.argv[2]);
const random = new Random(options.seed);
const faults = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Record<FaultKind, number>;
let connections = 0;

function accept(near: net.Socket): void {
  connections++;
  const fault = nextFault(random, options.rules);
  const towardsServer = random.below(2) === 0;
  const far = net.connect({
    port: options.target,
    host: "127.0.0.1",
    localAddress: options.from,
    allowHalfOpen: true,
    noDelay: true,
  });
  const onFault = (): void => void (fault && faults[fault.kind]++);
  new Flow(near, far, towardsServer ? fault : undefined, onFault);
  new Flow(far, near, towardsServer ? undefined : fault, onFault);
  for (const [one, other] of [[near, far], [far, near]]) {
    one.on("error", () => other.resetAndDestroy());
    one.on("close", () => other.destroy());
  }
}

const listener = net.createServer({ allowHalfOpen: true, noDelay: true }, accept);
listener.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  console.log(JSON.stringify({ port: (listener.address() as net.AddressInfo).port }));
});

createInterface(process.stdin).on("line", (line) => {
  const report: ProxyReport = { connections, faults };
  process.stdout.write(`${JSON.stringify(report)}\n`, () => {
    if (line === JSON.stringify("stop")) process.exit();
  });
});
