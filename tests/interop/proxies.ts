// nginx and haproxy in front of quickws servers, with plain HTTP and with TLS terminated by the
// proxy. They run until the end of the tests.

import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { startHaproxy, startNginx } from "../support/reverse_proxies.ts";

const STARTS = { nginx: startNginx, haproxy: startHaproxy };

/** A proxy. */
export type ProxyName = keyof typeof STARTS;

/** All proxies. */
export const PROXIES: readonly ProxyName[] = ["nginx", "haproxy"];

/** Proxies that are started on first use. */
export class Proxies {
  readonly #certificates: Certificates = makeCertificates();
  readonly #cleanUp = new AsyncDisposableStack();
  readonly #urls = new Map<string, Promise<string>>();
  #directory: Promise<string> | undefined;

  /** The authority (PEM) of the proxies' certificates. */
  get ca(): string {
    return this.#certificates.ca;
  }

  /** Returns the URL of a proxy of the server at port `to`. */
  urlOf(proxy: ProxyName, to: string, secure: boolean): Promise<string> {
    const key = `${proxy} ${to} ${secure}`;
    let url = this.#urls.get(key);
    if (url === undefined) this.#urls.set(key, url = this.#start(proxy, to, secure));
    return url;
  }

  async #start(proxy: ProxyName, to: string, secure: boolean): Promise<string> {
    const scope = {
      directory: await (this.#directory ??= this.#makeDirectory()),
      after: (last: () => void | Promise<void>) => this.#cleanUp.defer(async () => await last()),
    };
    const certificates = secure ? this.#certificates : undefined;
    const { port } = await STARTS[proxy](scope, { to: Number(to), certificates });
    return `${secure ? "wss" : "ws"}://127.0.0.1:${port}/`;
  }

  async #makeDirectory(): Promise<string> {
    const directory = await Deno.makeTempDir();
    this.#cleanUp.defer(() => Deno.remove(directory, { recursive: true }));
    return directory;
  }

  /** Stops all proxies. */
  async stop(): Promise<void> {
    await this.#cleanUp.disposeAsync();
  }
}
