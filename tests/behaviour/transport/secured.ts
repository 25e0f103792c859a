// TLS listeners and clients for the cases.

import type { TlsClientOptions } from "../../../src/transport/transport.ts";
import type { Context } from "../harness.ts";
import { type AcceptingListener, connect, listen, type Pair } from "./end.ts";

/** Returns client options that trust the authority of the fixtures. */
export function trusted({ fixtures }: Context): TlsClientOptions {
  return { caCerts: [fixtures.certificates.ca] };
}

/** Listens with the certificate of the fixtures. */
export function listenTls(context: Context): Promise<AcceptingListener> {
  return listen(context, { tls: context.fixtures.certificates });
}

/** Connects to a TLS listener by host name. */
export function connectTls(
  context: Context,
  tls: TlsClientOptions = trusted(context),
): Promise<Pair> {
  return connect(context, {
    address: { tls: context.fixtures.certificates },
    options: { hostname: "localhost", tls },
  });
}
