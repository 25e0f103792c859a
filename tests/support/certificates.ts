// Creates a certificate authority and certificates signed by it, so that the repository contains no
// keys and no certificate expires. Implements only the parts of X.509 (RFC 5280) and DER that it
// needs.

import { Buffer } from "node:buffer";
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { parseIpAddress } from "../../src/handshake/ip_address.ts";

/** Certificates and keys (PEM) for a TLS server and its clients. */
export interface Certificates {
  /** The authority's certificate. */
  ca: string;
  /** A certificate signed by the authority. */
  cert: string;
  /** The private key of `cert`. */
  key: string;
}

const DAY = 86_400_000;

const OID = {
  commonName: "550403",
  basicConstraints: "551d13",
  subjectAlternativeName: "551d11",
  ecdsaWithSha256: "2a8648ce3d040302",
} as const;

function der(tag: number, ...contents: Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  const length = body.length < 0x80
    ? [body.length]
    : body.length < 0x100
    ? [0x81, body.length]
    : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...length), body]);
}

const sequence = (...contents: Uint8Array[]): Buffer => der(0x30, ...contents);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, "hex"));
const name = (text: string): Buffer =>
  sequence(der(0x31, sequence(oid(OID.commonName), der(0x0c, Buffer.from(text)))));

/** GeneralizedTime, `YYYYMMDDHHMMSSZ`. */
function time(date: Date): Buffer {
  return der(0x18, Buffer.from(date.toISOString().replace(/[-:T]|\.\d+/g, "")));
}

function extension(id: string, value: Uint8Array): Buffer {
  const critical = der(0x01, Uint8Array.of(0xff));
  return sequence(oid(id), ...(id === OID.basicConstraints ? [critical] : []), der(0x04, value));
}

interface Subject {
  name: string;
  publicKey: KeyObject;
  extensions: Buffer[];
}

function certificate(
  subject: Subject,
  issuer: string,
  issuerKey: KeyObject,
  days = 30,
): string {
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const serial = randomBytes(8);
  serial[0]! &= 0x7f; // a serial number is positive (RFC 5280 4.1.2.2)
  serial[0]! |= 0x40;
  const now = Date.now();
  const body = sequence(
    der(0xa0, der(0x02, Uint8Array.of(2))), // version 3
    der(0x02, serial),
    algorithm,
    name(issuer),
    sequence(
      time(new Date(now - DAY + Math.min(days, 0) * DAY)),
      time(new Date(now + days * DAY)),
    ),
    name(subject.name),
    subject.publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...subject.extensions)),
  );
  const signature = sign("sha256", body, issuerKey);
  const whole = sequence(body, algorithm, der(0x03, Uint8Array.of(0), signature));
  const lines = whole.toString("base64").replace(/.{64}/g, "$&\n").trimEnd();
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

/** The names and addresses of this machine. */
const LOOPBACK = ["localhost", "127.0.0.1", "::1"];

/** A GeneralName: an iPAddress or a dNSName (RFC 5280 4.2.1.6). */
function alternativeName(text: string): Buffer {
  const address = parseIpAddress(text);
  return address === undefined ? der(0x82, Buffer.from(text)) : der(0x87, Uint8Array.from(address));
}

/** A certificate authority. */
export interface Authority {
  /**
   * Creates a certificate that is valid from yesterday.
   *
   * @param names The host names and IP addresses. Default: those of this machine.
   * @param days The days until it expires; a negative number creates an expired certificate.
   */
  issue(names?: readonly string[], days?: number): Certificates;
}

/** Creates an authority. */
export function makeAuthority(): Authority {
  const authority = generateKeyPairSync("ec", { namedCurve: "P-256" });
  // A unique name: clients confuse authorities that share one.
  const authorityName = `quickws test authority ${randomBytes(4).toString("hex")}`;
  const isAuthority = extension(OID.basicConstraints, sequence(der(0x01, Uint8Array.of(0xff))));
  const ca = certificate(
    { name: authorityName, publicKey: authority.publicKey, extensions: [isAuthority] },
    authorityName,
    authority.privateKey,
  );
  return {
    issue(names = LOOPBACK, days = 30): Certificates {
      const server = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const alternativeNames = sequence(...names.map(alternativeName));
      const cert = certificate(
        {
          name: names[0]!,
          publicKey: server.publicKey,
          extensions: [extension(OID.subjectAlternativeName, alternativeNames)],
        },
        authorityName,
        authority.privateKey,
        days,
      );
      const key = server.privateKey.export({ type: "pkcs8", format: "pem" }) as string;
      return { ca, cert, key };
    },
  };
}

/** Creates an authority and a certificate signed by it, as {@linkcode Authority.issue} does. */
export function makeCertificates(names?: readonly string[], days?: number): Certificates {
  return makeAuthority().issue(names, days);
}
