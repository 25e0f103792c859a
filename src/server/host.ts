// Which host names a server answers to. A page whose name was made to point at this server (DNS
// rebinding) has the origin and the host that it wants, but not the name that we know.

import { HandshakeError } from "../errors.ts";

/**
 * Whether a request is for one of our names.
 *
 * @param hosts The option; absent, every name is ours.
 * @param host The host of the request, with its port if it was sent.
 */
export function isHostAllowed(hosts: readonly string[] | undefined, host: string): boolean {
  return hosts === undefined || hosts.includes(withoutPort(host.toLowerCase()));
}

/** The answer to a request for another name (RFC 9110 15.5.20); it names the option. */
export function hostRefused(host: string): HandshakeError {
  return new HandshakeError(
    "HOST_REFUSED",
    `This server does not answer to the name ${host}; its option "allowedHosts" says to which it does`,
    { status: 421 },
  );
}

/** Whether it is a host as a request has it, in lower case and without a port; `*` is no pattern. */
export function isHostName(text: string): boolean {
  try {
    const url = new URL(`http://${text}`);
    return url.href === `http://${text}/` && url.hostname === text && !text.includes("*");
  } catch {
    return false;
  }
}

function withoutPort(host: string): string {
  const colon = host.lastIndexOf(":");
  // The colons of an IPv6 address stand in brackets.
  return colon > host.lastIndexOf("]") ? host.slice(0, colon) : host;
}
