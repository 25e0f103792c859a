// TLS handshakes: the trusted authorities, and failed handshakes.

import assert from "node:assert/strict";
import type { TlsClientOptions } from "../../../src/transport/transport.ts";
import { makeCertificates } from "../../support/certificates.ts";
import type { Cases, Context } from "../harness.ts";
import { connect, dial, echo, listen, type Pair } from "./end.ts";
import { assertPattern, pattern } from "./pattern.ts";
import { connectTls, listenTls, trusted } from "./secured.ts";

const MIB = 1 << 20;

/**
 * Asserts that dialing a TLS listener rejects its certificate, and that the server is notified
 * without receiving data.
 */
async function refused(context: Context, hostname: string, tls: TlsClientOptions): Promise<void> {
  const listener = await listenTls(context);
  const dialing = assert.rejects(
    dial(context, { hostname, port: listener.port, tls }),
    (error) => error instanceof Error,
  );
  const server = await listener.accept();
  server.start();
  await dialing;
  await server.until(() => server.ends + server.closes > 0);
  assert.equal(server.received, 0);
}

/** Connects to a TLS listener without TLS. */
async function connectPlain(context: Context): Promise<Pair> {
  const listener = await listenTls(context);
  const [server, client] = await Promise.all([
    listener.accept(),
    dial(context, { port: listener.port }),
  ]);
  server.start();
  client.start();
  return { client, server };
}

export const trustCases: Cases = {
  "TLS: an IP address is checked against the certificate": async (context) => {
    const listener = await listenTls(context);
    const accepting = listener.accept().then((server) => (server.start(), echo(server)));
    const client = await dial(context, { port: listener.port, tls: trusted(context) });
    client.start();
    await accepting;
    await client.send(pattern(10));
    await client.until(() => client.received === 10);
  },

  "TLS: rejects an untrusted authority": async (context) => {
    await refused(context, "localhost", {});
  },

  "TLS: rejects another authority": async (context) => {
    await refused(context, "localhost", { caCerts: [makeCertificates().ca] });
  },

  "TLS: accepts a certificate of any trusted authority": async (context) => {
    const { client, server } = await connectTls(context, {
      caCerts: [makeCertificates().ca, context.fixtures.certificates.ca],
    });
    echo(server);
    await client.send(pattern(10));
    await client.until(() => client.received === 10);
  },

  "TLS: rejects a certificate for another name": async (context) => {
    await refused(context, "localhost", { ...trusted(context), serverName: "example.org" });
    await refused(context, "localhost", { ...trusted(context), serverName: "127.0.0.2" });
  },

  "TLS: serverName is the verified name": async (context) => {
    const { client, server } = await connect(context, {
      address: { tls: context.fixtures.certificates },
      options: { hostname: "127.0.0.1", tls: { ...trusted(context), serverName: "localhost" } },
    });
    echo(server);
    await client.send(pattern(10));
    await client.until(() => client.received === 10);
  },

  "TLS: rejectUnauthorized false accepts any certificate, still encrypted": async (context) => {
    for (const serverName of [undefined, "example.org"]) {
      const { client, server } = await connectTls(context, {
        rejectUnauthorized: false,
        serverName,
      });
      echo(server);
      await client.send(pattern(MIB));
      await client.until(() => client.received === MIB);
      assertPattern(client.bytes());
      client.finish();
      await Promise.all([client.closedCleanly(), server.closedCleanly()]);
    }
  },

  "TLS: sends a client certificate": async (context) => {
    const { cert, key } = context.fixtures.certificates;
    const { client, server } = await connectTls(context, { ...trusted(context), cert, key });
    echo(server);
    await client.send(pattern(10));
    await client.until(() => client.received === 10);
  },

  "TLS: a client without TLS ends its connection with an error": async (context) => {
    const { client, server } = await connectPlain(context);
    await client.send(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    await server.closedWithError();
    await client.until(() => client.ends + client.closes > 0);
  },

  "TLS: a silent client is accepted, and can be destroyed": async (context) => {
    const { client, server } = await connectPlain(context);
    server.destroy();
    await server.closedCleanly();
    await client.until(() => client.ends + client.closes > 0);
  },

  "TLS: dialing a server without TLS fails": async (context) => {
    const listener = await listen(context);
    const dialing = assert.rejects(
      dial(context, { port: listener.port, tls: trusted(context) }),
      (error) => error instanceof Error,
    );
    const server = await listener.accept();
    server.start();
    await server.send(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await dialing;
  },

  "TLS: dialing a server that closes in the handshake fails": async (context) => {
    const listener = await listen(context);
    const dialing = assert.rejects(
      dial(context, { port: listener.port, tls: trusted(context) }),
      (error) => error instanceof Error,
    );
    const server = await listener.accept();
    server.start();
    await server.until(() => server.received > 0);
    server.finish();
    await dialing;
    server.destroy();
  },

  "TLS: immediately rejects texts that are not a matching certificate and key": async (
    context,
  ) => {
    const { cert, key } = context.fixtures.certificates;
    const { key: otherKey } = makeCertificates();
    for (
      const tls of [
        { cert: "no certificate", key },
        { cert, key: "no key" },
        { cert, key: otherKey },
      ]
    ) {
      await assert.rejects(listen(context, { tls }), (error) => error instanceof Error);
    }
  },
};
