// Tests the network of the web API.

import assert from "node:assert/strict";
import type { DialOptions, Network, Transport } from "../../src/transport/transport.ts";
import { type AddressSpace, addressSpaceOf, webNetwork } from "../../src/web/web_network.ts";

const ADDRESSES: Record<AddressSpace, string[]> = {
  loopback: ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"],
  local: [
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "fd00::1",
    "fc12:3456::1",
    "fe80::1",
    "febf::1",
    "::ffff:10.1.2.3",
  ],
  public: [
    "8.8.8.8",
    "11.0.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "192.169.0.1",
    "100.63.0.1",
    "100.128.0.1",
    "2001:db8::1",
    "fec0::1",
    "::ffff:8.8.8.8",
  ],
};

for (const [space, addresses] of Object.entries(ADDRESSES)) {
  Deno.test(`classifies ${space} addresses`, () => {
    for (const address of addresses) assert.equal(addressSpaceOf(address), space, address);
  });
}

Deno.test("dials subdomains of localhost at the loopback address, with the original name for TLS", async () => {
  const dialed: DialOptions[] = [];
  const network = webNetwork({
    dial(options: DialOptions): Promise<Transport> {
      dialed.push(options);
      return Promise.reject(new Error("dialed"));
    },
  } as Network, undefined);
  const common = { port: 1, noDelay: true };
  const places = [
    { ...common, hostname: "a.localhost" },
    { ...common, hostname: "a.b.localhost", tls: {} },
    { ...common, hostname: "a.localhost", tls: { serverName: "b.example" } },
    { ...common, hostname: "localhost.example" },
    { ...common, hostname: "notlocalhost" },
  ];
  for (const place of places) await assert.rejects(network.dial(place), /dialed/);
  assert.deepEqual(dialed.map(({ hostname, tls }) => [hostname, tls?.serverName]), [
    ["localhost", undefined],
    ["localhost", "a.b.localhost"],
    ["localhost", "b.example"],
    ["localhost.example", undefined],
    ["notlocalhost", undefined],
  ]);
});
