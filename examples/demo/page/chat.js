// The chat between tabs and the server's statistics, on a separate connection that reconnects
// silently.

import { byId, element } from "./dom.js";
import { Link } from "./link.js";

const LENGTH = 100;

/** Events: `welcome`, `ping` and `server`, with the server's data as the detail. */
export class Chat extends EventTarget {
  #link = new Link();

  constructor() {
    super();
    this.#link.addEventListener("message", (event) => this.#heard(JSON.parse(event.detail)));
    this.#link.addEventListener("opened", () => {
      // After a reconnect, the server sends all messages again.
      byId("said").replaceChildren();
    });
    this.#link.addEventListener("state", () => this.#show());
    byId("talk").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      const text = byId("words").value.trim();
      if (text === "" || this.#link.state !== "open") return;
      this.#link.send(JSON.stringify({ name: byId("name").value, text }));
      byId("words").value = "";
    });
    this.#show();
  }

  /** Joins the room. @param {string} url @param {string} tab Used for the default name. */
  connect(url, tab) {
    byId("name").value = localStorage.getItem("name") ?? `Tab ${tab.slice(0, 3).toUpperCase()}`;
    byId("name").addEventListener("change", () => localStorage.setItem("name", byId("name").value));
    this.#link.connect(url);
  }

  /** Reconnects immediately, because the other connection is open again. */
  wake() {
    this.#link.retryNow();
  }

  #show() {
    const open = this.#link.state === "open";
    byId("say").disabled = !open;
    if (!open) byId("people").textContent = "away";
  }

  /** Handles a message from the server. @param {{ type: string }} message */
  #heard(message) {
    switch (message.type) {
      case "say":
        return this.#say(message);
      case "notice":
        return this.#add(element("li", "notice", message.text));
      case "people":
        byId("people").textContent = message.count === 1
          ? "only this tab"
          : `${message.count} tabs`;
        return;
      default:
        this.dispatchEvent(new CustomEvent(message.type, { detail: message }));
    }
  }

  /** @param {{ name: string, text: string, mine: boolean, at: number }} message */
  #say({ name, text, mine, at }) {
    const item = element("li", mine ? "bubble mine" : "bubble");
    const time = new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const by = element("span", "by");
    by.append(element("b", "", name), " ", element("time", "", time));
    item.append(by, element("span", "words", text));
    this.#add(item);
  }

  /** @param {Element} item */
  #add(item) {
    const list = byId("said");
    list.append(item);
    while (list.children.length > LENGTH) list.firstElementChild.remove();
    list.scrollTop = list.scrollHeight;
  }
}
