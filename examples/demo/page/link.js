// A reconnecting WebSocket. It reports each close, and retries after temporary failures, with a
// delay that doubles each time.

import { maySucceedLater } from "./close_codes.js";

const FIRST_DELAY = 500;
const LONGEST_DELAY = 10_000;

/**
 * How a connection ended.
 *
 * @typedef {object} Ending
 * @property {number} code
 * @property {string} reason
 * @property {boolean} opened Whether the connection had been open.
 * @property {boolean} wanted Whether the page closed the connection.
 */

/**
 * The events are `state` (see the property), `opened`, `ended` (detail: the {@link Ending}) and
 * `message` (detail: the data).
 */
export class Link extends EventTarget {
  /** @type {"idle" | "connecting" | "open" | "closing" | "waiting"} */
  state = "idle";
  /** The time of the next attempt, as `performance.now` measures it. */
  retryAt = 0;
  /** The delay before the next attempt, in milliseconds. */
  retryDelay = 0;
  /** The duration of the opening handshake, in milliseconds. */
  handshakeTime = 0;
  /** @type {WebSocket | undefined} */
  #socket;
  /** @type {number | undefined} */
  #timer;
  #url = "";
  /** @type {string[]} */
  #protocols = [];
  #failures = 0;

  /** The negotiated subprotocol. */
  get protocol() {
    return this.#socket?.protocol ?? "";
  }

  get extensions() {
    return this.#socket?.extensions ?? "";
  }

  /** The URL of the last `connect`. */
  get url() {
    return this.#url;
  }

  get protocols() {
    return this.#protocols;
  }

  /**
   * @param {string} url
   * @param {string[]} protocols
   * @throws {DOMException} If the arguments are invalid for a WebSocket.
   */
  connect(url, protocols = []) {
    const socket = new WebSocket(url, protocols);
    this.#drop();
    this.#failures = 0;
    this.#url = url;
    this.#protocols = protocols;
    this.#use(socket);
  }

  /** Closes without reconnecting. @param {string} reason */
  close(reason = "") {
    clearTimeout(this.#timer);
    if (this.state === "waiting") return this.#enter("idle");
    if (this.#socket === undefined) return;
    this.#enter("closing");
    this.#socket.close(1000, reason);
  }

  /** Skips the delay and connects immediately. */
  retryNow() {
    if (this.state !== "waiting") return;
    clearTimeout(this.#timer);
    this.#retry();
  }

  /** Stops retrying, because the attempts would fail. */
  giveUp() {
    if (this.state !== "waiting") return;
    clearTimeout(this.#timer);
    this.#enter("idle");
  }

  /** @param {string | ArrayBuffer | Uint8Array<ArrayBuffer>} data */
  send(data) {
    this.#socket?.send(data);
  }

  #retry() {
    this.#use(new WebSocket(this.#url, this.#protocols));
  }

  /** @param {WebSocket} socket */
  #use(socket) {
    const began = performance.now();
    let opened = false;
    this.#socket = socket;
    this.#enter("connecting");
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      opened = true;
      this.#failures = 0;
      this.handshakeTime = performance.now() - began;
      this.#enter("open");
      this.dispatchEvent(new Event("opened"));
    };
    socket.onmessage = ({ data }) => {
      this.dispatchEvent(new CustomEvent("message", { detail: data }));
    };
    socket.onclose = ({ code, reason }) => {
      const wanted = this.state === "closing";
      this.#socket = undefined;
      if (!wanted && maySucceedLater(code)) this.#wait();
      else this.#enter("idle");
      const detail = { code, reason, opened, wanted };
      this.dispatchEvent(new CustomEvent("ended", { detail }));
    };
  }

  #wait() {
    const longest = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#failures++);
    // Jitter spreads the reconnects of all pages over time.
    this.retryDelay = longest * (0.5 + Math.random() / 2);
    this.retryAt = performance.now() + this.retryDelay;
    this.#timer = setTimeout(() => this.#retry(), this.retryDelay);
    this.#enter("waiting");
  }

  /** Drops a connection without an event. */
  #drop() {
    clearTimeout(this.#timer);
    if (this.#socket === undefined) return;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = undefined;
  }

  /** @param {Link["state"]} state */
  #enter(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}
