// Connecting under TLS, as the cases about it do.

import type { TlsClientOptions } from "../../../src/transport/transport.ts";
import type { Context } from "../harness.ts";
import { type Accepting, connect, listen, type Pair } from "./end.ts";

/** The client options that trust the authority of the fixtures. */
export function trusted({ fixtures }: Context): TlsClientOptions {
  return { caCerts: [fixtures.certificates.ca] };
}

/** Listens with the certificate of the fixtures. */
export function listenTls(context: Context): Promise<Accepting> {
  return listen(context, { tls: context.fixtures.certificates });
}

/** Connects to such a listener by its name. */
export function connectTls(
  context: Context,
  tls: TlsClientOptions = trusted(context),
): Promise<Pair> {
  return connect(context, {
    place: { tls: context.fixtures.certificates },
    options: { hostname: "localhost", tls },
  });
}
