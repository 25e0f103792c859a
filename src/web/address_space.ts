// The option `targetAddressSpace`: which part of the network the server must be in.

import type { DialOptions, Network, Transport } from "../transport/transport.ts";

/** A part of the network, as the Local Network Access draft divides it. */
export type AddressSpace = "loopback" | "local" | "public";

const LOCAL = [
  /^10\./,
  /^172\.(1[6-9]|2\d|3[01])\./,
  /^192\.168\./,
  /^169\.254\./,
  /^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./,
  /^f[cd][0-9a-f]{2}:/i,
  /^fe[89ab][0-9a-f]:/i,
];

/** The part of the network that an IP address is in. */
export function addressSpaceOf(address: string): AddressSpace {
  const ip = address.replace(/^::ffff:(?=\d+\.)/i, "");
  if (/^127\./.test(ip) || ip === "::1") return "loopback";
  return LOCAL.some((prefix) => prefix.test(ip)) ? "local" : "public";
}

/** A network that rejects connections to addresses outside of `space`. */
export function restrictedNetwork(network: Network, space: AddressSpace): Network {
  return {
    async dial(options: DialOptions): Promise<Transport> {
      const transport = await network.dial(options);
      const found = addressSpaceOf(transport.remoteAddress);
      if (found === space) return transport;
      transport.destroy();
      throw new Error(`the address ${transport.remoteAddress} is ${found}, not ${space}`);
    },
    listen: (options, sink) => network.listen(options, sink),
    startTls: (transport, options) => network.startTls(transport, options),
    lookup: (hostname) => network.lookup(hostname),
  };
}
