/* How a TLS client of `node:tls` checks the server: the port's options in Node's words. */

import * as net from "node:net";
import * as tls from "node:tls";
import type { TlsClientOptions } from "./transport.ts";

/**
 * What `tls.connect` needs besides the address; an `object`, so that no runtime's type is exported.
 *
 * @param hostname The name to ask for and to check, unless the options give another.
 */
export function tlsOptions(options: TlsClientOptions, hostname?: string): object {
  // Node itself asks for no name when it has only a host.
  const serverName = options.serverName ?? hostname;
  const result: tls.ConnectionOptions = {
    rejectUnauthorized: options.rejectUnauthorized ?? true,
    secureContext: clientContext(options),
  };
  if (serverName !== undefined) {
    // RFC 6066 3: an IP address is no server name; the certificate is still checked against it.
    if (net.isIP(serverName) === 0) result.servername = serverName;
    else result.checkServerIdentity = (_, peer) => tls.checkServerIdentity(serverName, peer);
  }
  return result;
}

let lastClient: { options: TlsClientOptions; context: tls.SecureContext } | undefined;

/** Node takes some 40 ms to read the system's certificates again, so the last context is kept. */
function clientContext(options: TlsClientOptions): tls.SecureContext {
  const { caCerts, cert, key } = options;
  if (lastClient !== undefined) {
    const last = lastClient.options;
    const same = last.cert === cert && last.key === key &&
      last.caCerts?.length === caCerts?.length &&
      (caCerts ?? []).every((pem, index) => pem === last.caCerts![index]);
    if (same) return lastClient.context;
  }
  const ca = caCerts === undefined ? undefined : [...tls.rootCertificates, ...caCerts];
  const context = tls.createSecureContext({ ca, cert, key });
  lastClient = { options: { caCerts: caCerts?.slice(), cert, key }, context };
  return context;
}
