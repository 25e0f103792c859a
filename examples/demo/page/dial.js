// The connection form and its status.

import { addresses, withoutTab, withTab } from "./addresses.js";
import { meaningOf, nameOf } from "./close_codes.js";
import { byId } from "./dom.js";
import { formatTime } from "./format.js";

const STATES = {
  idle: "Closed",
  connecting: "Connecting",
  open: "Open",
  closing: "Closing",
  waiting: "Waiting to reconnect",
};

/** The refresh interval of the countdown, in milliseconds. */
const TICK = 100;

/** The form at the top of the page. */
export class Dial {
  #link;
  #compressedPort = 0;

  /** @param {import("./link.js").Link} link */
  constructor(link) {
    this.#link = link;
    link.addEventListener("state", () => this.#showState());
    link.addEventListener("opened", () => this.#showFacts());
    link.addEventListener("ended", (event) => {
      this.#ended(/** @type {CustomEvent} */ (event).detail);
    });
    byId("retry").addEventListener("click", () => link.retryNow());
    byId("dial").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      if (!this.#busy) return this.connect();
      hideTrouble();
      link.close("until next time");
    });
    byId("preset").addEventListener("change", () => {
      const address = this.#addresses[byId("preset").value];
      if (address === undefined) return byId("url").focus();
      byId("url").value = address;
      this.connect();
    });
    byId("url").addEventListener("input", () => {
      const known = Object.entries(this.#addresses).find(([, url]) => url === byId("url").value);
      byId("preset").value = known?.[0] ?? "other";
    });
    byId("url").value = this.#addresses.echo;
  }

  /** Connects to the URL in the form. */
  connect() {
    hideTrouble();
    const invalid = !URL.canParse(byId("url").value);
    byId("url").setAttribute("aria-invalid", String(invalid));
    if (invalid) {
      return showTrouble("That is not a URL", `For example: ${this.#addresses.echo}`);
    }
    const protocols = byId("subprotocol").value.match(/[^\s,]+/g) ?? [];
    try {
      this.#link.connect(withTab(byId("url").value), protocols);
    } catch (error) {
      showTrouble("Cannot connect to this address", error instanceof Error ? error.message : "");
    }
  }

  /**
   * The server sends the port with compression, which may change after a restart. @param {number}
   * port
   */
  set compressedPort(port) {
    const moved = port !== this.#compressedPort;
    this.#compressedPort = port;
    byId("compressed").disabled = false;
    if (!moved || byId("preset").value !== "compressed") return;
    byId("url").value = this.#addresses.compressed;
    if (this.#link.state === "waiting") this.connect();
  }

  get #addresses() {
    return addresses(this.#compressedPort);
  }

  get #busy() {
    return ["open", "connecting", "waiting"].includes(this.#link.state);
  }

  #showState() {
    const { state } = this.#link;
    document.documentElement.dataset.state = state;
    byId("state").textContent = STATES[state];
    byId("toggle").textContent = state === "waiting"
      ? "Stop"
      : this.#busy
      ? "Disconnect"
      : "Connect";
    byId("toggle").disabled = state === "closing";
    byId("facts").hidden = state !== "open";
    byId("countdown").hidden = state !== "waiting";
    if (state === "waiting") this.#countDown();
  }

  #showFacts() {
    hideTrouble();
    byId("handshake").textContent = formatTime(this.#link.handshakeTime);
    byId("protocol").textContent = this.#link.protocol || "none";
    byId("extensions").textContent = this.#link.extensions || "off";
  }

  #countDown() {
    if (this.#link.state !== "waiting") return;
    const left = Math.max(0, this.#link.retryAt - performance.now());
    byId("retry-in").textContent = `Next attempt in ${(left / 1000).toFixed(1)} s`;
    byId("retry-bar").value = 1 - left / this.#link.retryDelay;
    setTimeout(() => this.#countDown(), TICK);
  }

  /** @param {import("./link.js").Ending} ending */
  #ended({ code, reason, opened, wanted }) {
    if (wanted) return;
    if (!opened) return void this.#explain();
    const words = reason === "" ? "" : `\u201c${reason}\u201d. `;
    showTrouble(`Closed: ${code} ${nameOf(code)}`, words + meaningOf(code));
  }

  /** Shows why a connection failed, as far as a page can find out. */
  async #explain() {
    const { host, pathname } = new URL(this.#link.url);
    if (!Object.values(this.#addresses).includes(withoutTab(this.#link.url))) {
      return showTrouble(
        `No connection to ${host}`,
        "Browsers do not tell pages why: the server may be down or may have rejected the connection, or its " +
          "certificate may not be trusted.",
      );
    }
    // The demo server gives a plain HTTP request the same response as a WebSocket.
    try {
      const answer = await fetch(`${location.origin}${pathname}`, { cache: "no-store" });
      const text = (await answer.text()).trim().slice(0, 200);
      if (answer.status !== 403) {
        return showTrouble("The server is up, but opened no WebSocket", meaningOf(1006));
      }
      this.#link.giveUp();
      showTrouble(`Rejected with ${answer.status}`, text);
    } catch {
      // The page may have reconnected in the meantime.
      if (this.#link.state === "open") return;
      showTrouble(
        `No response from ${host}`,
        "The server may be down. Start it again, and this page reconnects automatically.",
      );
    }
  }
}

/** @param {string} title @param {string} text */
function showTrouble(title, text) {
  byId("trouble-title").textContent = title;
  byId("trouble-text").textContent = text;
  byId("trouble").hidden = false;
}

function hideTrouble() {
  byId("trouble").hidden = true;
}
