/* The TLS options of the port: their PEM texts checked, and in the words of `node:tls`. */

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import * as net from "node:net";
import * as tls from "node:tls";
import { show } from "../shared/check.ts";
import type { TlsClientOptions, TlsServerOptions } from "./transport.ts";

/** A certificate chain and its private key, both PEM texts; the key is not encrypted. */
export interface TlsIdentity {
  /** The certificate chain. */
  readonly cert: string;
  /** The private key. */
  readonly key: string;
}

const CERTIFICATE_LINE = "-----BEGIN CERTIFICATE-----";

/**
 * Checks a certificate and a private key, and decrypts the key, so that each runtime gets what all of
 * them can read. Without it they would fail late, some only in the first handshake, and in words that
 * name no option.
 *
 * @throws {TypeError} When one of them cannot be read, or they do not belong together.
 */
export function tlsIdentity({ cert, key, passphrase }: TlsServerOptions): TlsIdentity {
  const certificate = readCertificate("tls.cert", cert);
  const privateKey = readPrivateKey(key, passphrase);
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new TypeError('Option "tls.key": the private key does not belong to "tls.cert"');
  }
  // Deno's sockets know no passphrase.
  if (passphrase === undefined) return { cert, key };
  return { cert, key: privateKey.export({ type: "pkcs8", format: "pem" }) as string };
}

/** @throws {TypeError} Unless all of them are certificates. */
export function checkAuthorities(caCerts: readonly string[]): void {
  for (let i = 0; i < caCerts.length; i++) readCertificate(`tls.caCerts[${i}]`, caCerts[i]);
}

function readCertificate(name: string, pem: string): X509Certificate {
  if (!pem.includes(CERTIFICATE_LINE)) {
    throw notPem(name, `a certificate in PEM form, which begins with ${CERTIFICATE_LINE}`, pem);
  }
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw unreadable(name, "certificate", cause);
  }
}

function readPrivateKey(key: string, passphrase: string | undefined): KeyObject {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key)) {
    throw notPem("tls.key", "a private key in PEM form (-----BEGIN PRIVATE KEY-----)", key);
  }
  try {
    return createPrivateKey({ key, format: "pem", passphrase });
  } catch (cause) {
    const encrypted = /ENCRYPTED/.test(key);
    if (encrypted && passphrase === undefined) {
      throw new TypeError('Option "tls.key" is encrypted: give "tls.passphrase"', { cause });
    }
    throw unreadable(
      "tls.key",
      encrypted ? 'private key with this "tls.passphrase"' : "private key",
      cause,
    );
  }
}

function notPem(name: string, wanted: string, given: string): TypeError {
  // What might be a secret is not repeated.
  const found = given.includes("PRIVATE KEY-----")
    ? "a private key"
    : given.includes(CERTIFICATE_LINE)
    ? "a certificate"
    : /^[^\n]{1,200}\.(pem|crt|cer|key)$/i.test(given)
    ? `${show(given)}: pass the content of the file, not its name`
    : `a text of ${given.length} characters`;
  return new TypeError(`Option "${name}" must be ${wanted}, got ${found}`);
}

function unreadable(name: string, what: string, cause: unknown): TypeError {
  const why = cause instanceof Error ? cause.message : show(cause);
  return new TypeError(`Option "${name}" cannot be read as a ${what}: ${why}`, { cause });
}

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
  const { caCerts, cert, key, passphrase } = options;
  if (lastClient !== undefined) {
    const last = lastClient.options;
    const same = last.cert === cert && last.key === key && last.passphrase === passphrase &&
      last.caCerts?.length === caCerts?.length &&
      (caCerts ?? []).every((pem, index) => pem === last.caCerts![index]);
    if (same) return lastClient.context;
  }
  if (caCerts !== undefined) checkAuthorities(caCerts);
  const identity = clientIdentity(options);
  const ca = caCerts === undefined ? undefined : [...tls.rootCertificates, ...caCerts];
  const context = tls.createSecureContext({ ca, ...identity });
  lastClient = { options: { caCerts: caCerts?.slice(), cert, key, passphrase }, context };
  return context;
}

/** The client's own certificate and key, checked, if there are any. */
export function clientIdentity(
  { cert, key, passphrase }: TlsClientOptions,
): TlsIdentity | undefined {
  return cert === undefined || key === undefined
    ? undefined
    : tlsIdentity({ cert, key, passphrase });
}
