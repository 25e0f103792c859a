// Runs Debian's Firefox without browser automation.

import { spawn } from "node:child_process";
import { Queue } from "./live_harness.ts";
import { programPath } from "./need.ts";

/**
 * The preferences of a fresh profile without a home page, updates or prompts. They also disable what
 * takes much CPU time without a use for the tests: pages and processes that Firefox prepares, and the
 * lists that it downloads.
 */
const PREFERENCES = {
  "app.normandy.enabled": false,
  "app.update.enabled": false,
  "browser.aboutwelcome.enabled": false,
  "browser.newtab.preload": false,
  "browser.newtabpage.enabled": false,
  "browser.region.update.enabled": false,
  "browser.safebrowsing.blockedURIs.enabled": false,
  "browser.safebrowsing.downloads.enabled": false,
  "browser.safebrowsing.malware.enabled": false,
  "browser.safebrowsing.phishing.enabled": false,
  "browser.search.update": false,
  "browser.sessionstore.interval": 600_000,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.homepage_override.mstone": "ignore",
  "browser.startup.page": 0,
  "browser.translations.enable": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "dom.ipc.processPrelaunch.enabled": false,
  "media.gmp-manager.updateEnabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "data:,",
  "toolkit.telemetry.enabled": false,
  // The first page opens the others.
  "dom.disable_open_during_load": false,
};

/** Opens and closes a window when the server answers. */
const FIRST_PAGE = `<!doctype html><script type="module">
  let opened;
  for (;;) {
    const url = await (await fetch("/next", { method: "POST" })).text();
    opened?.close();
    opened = url === "" ? undefined : open(url);
  }
</script>`;

/** A running Firefox, whose first page opens other pages as this process asks for them. */
export class Firefox {
  readonly #urls: Queue<string> = new Queue();
  /** The first page's requests for a URL. It sends the next one after it has opened the page. */
  readonly #requests: Queue<undefined> = new Queue();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #end: () => Promise<void>;

  private constructor(profile: string) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async ({ method }) => {
        if (method === "POST") {
          this.#requests.push(undefined);
          return new Response(await this.#urls.next());
        }
        return new Response(FIRST_PAGE, { headers: { "content-type": "text/html" } });
      },
    );
    const url = `http://127.0.0.1:${this.#server.addr.port}/`;
    const child = spawn(
      programPath("firefox-esr")!,
      ["--headless", "--profile", profile, url],
      {
        stdio: "ignore",
        env: { ...Deno.env.toObject(), HOME: profile, MOZ_DISABLE_CONTENT_SANDBOX: "1" },
      },
    );
    const exited = new Promise((resolve) => child.on("exit", resolve));
    this.#end = async () => {
      child.kill("SIGKILL");
      await exited;
      this.#urls.push("");
      await this.#server.shutdown();
      await Deno.remove(profile, { recursive: true }).catch(() => {});
    };
  }

  /** Starts Firefox with a fresh profile. */
  static async start(): Promise<Firefox> {
    const profile = await Deno.makeTempDir();
    await Deno.writeTextFile(
      `${profile}/user.js`,
      Object.entries(PREFERENCES)
        .map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`)
        .join("\n"),
    );
    const browser = new Firefox(profile);
    await browser.#requests.next();
    return browser;
  }

  /** Closes the page that is open and opens another, unless the URL is empty. */
  async show(url: string): Promise<void> {
    this.#urls.push(url);
    await this.#requests.next();
  }

  /** Ends Firefox and removes the profile. */
  close(): Promise<void> {
    return this.#end();
  }
}
