// The network of the web: names below localhost, and the option `targetAddressSpace`.

import type { DialOptions, Network, Transport } from "../transport/transport.ts";

/**
 * An address space of the Local Network Access draft.
 *
 * @category WHATWG WebSocket
 */
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

/** The address space of an IP address. */
export function addressSpaceOf(address: string): AddressSpace {
  const ip = address.replace(/^::ffff:(?=\d+\.)/i, "");
  if (/^127\./.test(ip) || ip === "::1") return "loopback";
  return LOCAL.some((prefix) => prefix.test(ip)) ? "local" : "public";
}

/**
 * Wraps a network by the Fetch Standard: names below `localhost` resolve to the loopback address.
 *
 * @param space Rejects connections to addresses outside it. Default: any address.
 */
export function webNetwork(network: Network, space: AddressSpace | undefined): Network {
  return {
    maxUnixPath: network.maxUnixPath,
    async dial(options: DialOptions): Promise<Transport> {
      const transport = await network.dial(loopbackNamed(options));
      const found = addressSpaceOf(transport.remoteAddress);
      if (space === undefined || found === space) return transport;
      transport.destroy();
      throw new Error(
        `the address ${transport.remoteAddress} is ${found}, and targetAddressSpace is "${space}"`,
      );
    },
    listen: (options, sink) => network.listen(options, sink),
    startTls: (transport, options) => network.startTls(transport, options),
    lookup: (hostname) => network.lookup(hostname),
  };
}

/** Fetch, "resolve an origin": if the host's last label is "localhost", the loopback addresses. */
function loopbackNamed(options: DialOptions): DialOptions {
  const { hostname, tls } = options;
  if (!/\.localhost\.?$/.test(hostname)) return options;
  const named = tls && { ...tls, serverName: tls.serverName ?? hostname };
  return { ...options, hostname: "localhost", tls: named };
}
