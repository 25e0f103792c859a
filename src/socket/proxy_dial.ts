// Reaches a server through a proxy: connects to the proxy, asks it for a tunnel, and speaks TLS with
// the server through it where the URL says so.

import { HttpConnect } from "../proxy/http_connect.ts";
import { parseIpAddress } from "../proxy/ip_address.ts";
import { Socks5 } from "../proxy/socks5.ts";
import type { ProxyCredentials, ProxyDialogue, ProxyTarget } from "../proxy/dialogue.ts";
import type { DialOptions, Network, Transport } from "../transport/transport.ts";
import { show, wrongType } from "./check.ts";
import { openTunnel } from "./tunnel.ts";

/** A proxy, or how to find the one for a URL: none where it returns `undefined`. */
export type ProxyOption = string | URL | ((url: URL) => string | URL | undefined);

/** The ports of proxies whose URL names none. */
const DEFAULT_PORTS: ReadonlyMap<string, number> = new Map([
  ["http:", 80],
  ["https:", 443],
  ["socks5:", 1080],
  ["socks5h:", 1080],
]);

/** A stream to a server, and what has already come from it. */
export interface Dialled {
  /** The stream. */
  readonly transport: Transport;
  /** The first bytes of the server, usually none. */
  readonly rest: Uint8Array;
}

/**
 * The proxy that an option means for a URL, if any.
 *
 * @throws {TypeError} When it is no URL of a proxy.
 */
export function findProxy(option: ProxyOption | undefined, url: string): URL | undefined {
  const found: unknown = typeof option === "function" ? option(new URL(url)) : option;
  if (found === undefined) return undefined;
  if (typeof found !== "string" && !(found instanceof URL)) {
    throw wrongType("proxy", "a URL or a function that gives one", found);
  }
  const proxy = parseProxy(found);
  if (!DEFAULT_PORTS.has(proxy.protocol)) {
    throw new TypeError(
      `Option "proxy" must begin with http://, https://, socks5:// or socks5h://, got ${
        show(`${proxy.protocol}//${proxy.host}`)
      }`,
    );
  }
  return proxy;
}

function parseProxy(value: string | URL): URL {
  try {
    return new URL(value);
  } catch (cause) {
    throw new TypeError(`Option "proxy" is not a URL: ${show(value)}`, { cause });
  }
}

/**
 * Opens a stream to `address` through a proxy.
 *
 * @throws {ConnectionError} When the proxy refuses or does not speak its protocol; otherwise what
 * the network throws.
 */
export async function dialThroughProxy(
  network: Network,
  proxy: URL,
  address: DialOptions,
): Promise<Dialled> {
  const { signal, noDelay, readBufferSize } = address;
  const transport = await network.dial({
    hostname: withoutBrackets(proxy.hostname),
    port: proxy.port === "" ? DEFAULT_PORTS.get(proxy.protocol)! : Number(proxy.port),
    // The proxy is checked against the same authorities; who we are and whom we mean to reach is
    // the target's business alone.
    tls: proxy.protocol === "https:"
      ? {
        caCerts: address.tls?.caCerts,
        rejectUnauthorized: address.tls?.rejectUnauthorized,
      }
      : undefined,
    noDelay,
    readBufferSize,
    signal,
  });
  const abort = (): void => transport.destroy();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    const target = await targetFor(network, proxy, address);
    const rest = await openTunnel(transport, dialogueFor(proxy, target));
    if (address.tls === undefined) return { transport, rest };
    const secured = await network.startTls(transport, {
      ...address.tls,
      serverName: address.tls.serverName ?? address.hostname,
    });
    return { transport: secured, rest };
  } catch (error) {
    transport.destroy();
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** Where the proxy is told to connect to: with `socks5:` the name is looked up here, not there. */
async function targetFor(
  network: Network,
  proxy: URL,
  { hostname, port }: DialOptions,
): Promise<ProxyTarget> {
  if (proxy.protocol !== "socks5:" || parseIpAddress(hostname) !== undefined) {
    return { hostname, port };
  }
  return { hostname: await network.lookup(hostname), port };
}

function dialogueFor(proxy: URL, target: ProxyTarget): ProxyDialogue {
  const credentials = credentialsOf(proxy);
  return proxy.protocol.startsWith("socks5")
    ? new Socks5(target, credentials)
    : new HttpConnect(target, credentials);
}

function credentialsOf(proxy: URL): ProxyCredentials | undefined {
  if (proxy.username === "" && proxy.password === "") return undefined;
  return {
    username: decodeURIComponent(proxy.username),
    password: decodeURIComponent(proxy.password),
  };
}

function withoutBrackets(hostname: string): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}
