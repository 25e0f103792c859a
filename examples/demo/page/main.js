// Creates the parts of the page and connects their events.

import { room, tab, withoutTab } from "./addresses.js";
import { Chat } from "./chat.js";
import { meaningOf, nameOf } from "./close_codes.js";
import { Composer } from "./composer.js";
import { Dial } from "./dial.js";
import { byId } from "./dom.js";
import { Link } from "./link.js";
import { Log } from "./log.js";
import { Speed } from "./speed.js";
import { followTheme } from "./theme.js";

const link = new Link();
const dial = new Dial(link);
const log = new Log(byId("log"));
const speed = new Speed(link);
const chat = new Chat();
const composer = new Composer(send);

/** Sent messages without an echo yet. @type {{ data: string | Uint8Array, at: number }[]} */
const waiting = [];

/** @param {string | Uint8Array} data */
function kindOf(data) {
  return typeof data === "string" ? "text" : "binary";
}

/** @param {string | Uint8Array<ArrayBuffer>} data */
function send(data) {
  waiting.push({ data, at: performance.now() });
  link.send(data);
  log.add({ direction: "out", kind: kindOf(data), data });
}

/** @param {string | ArrayBuffer} message */
function received(message) {
  const now = performance.now();
  const data = typeof message === "string" ? message : new Uint8Array(message);
  const sent = waiting[0];
  // An echo server replies in order; other servers may send anything.
  const isEcho = sent !== undefined && kindOf(sent.data) === kindOf(data) &&
    sent.data.length === data.length;
  const time = isEcho ? now - sent.at : undefined;
  if (isEcho) waiting.shift();
  if (time !== undefined) speed.addRoundTrip(time);
  log.add({ direction: "in", kind: kindOf(data), data, time });
}

/** @param {import("./link.js").Ending} ending */
function ended({ code, reason, opened, wanted }) {
  const what = `${code} ${nameOf(code)}${reason === "" ? "" : `: ${reason}`}`;
  if (!opened) log.add({ direction: "note", kind: "failed", what: withoutTab(link.url) });
  else if (code === 1006) log.add({ direction: "note", kind: "lost", what: meaningOf(code) });
  else log.add({ direction: wanted ? "out" : "in", kind: "close", what });
}

/**
 * Calls a listener with the detail of each event. @param {EventTarget} target @param {string} type
 * @param {Function} listener
 */
function on(target, type, listener) {
  target.addEventListener(type, (event) => listener(/** @type {CustomEvent} */ (event).detail));
}

on(link, "message", received);
on(link, "ended", ended);
on(link, "state", () => {
  composer.open = link.state === "open";
  waiting.length = 0;
});
on(link, "opened", () => {
  const what = withoutTab(link.url);
  log.add({ direction: "note", kind: "open", what, time: link.handshakeTime });
  chat.wake();
});

on(speed, "result", (what) => log.add({ direction: "note", kind: "bench", what }));

on(chat, "welcome", ({ runtime, compressedPort }) => {
  byId("runtime").textContent = runtime;
  byId("runtime").hidden = false;
  dial.compressedPort = compressedPort;
});
on(chat, "ping", ({ took }) => {
  speed.addPing(took);
  log.add({ direction: "in", kind: "ping", what: "timed by the server", time: took });
});
on(chat, "server", ({ cpu }) => speed.cpu = cpu);

byId("clear").addEventListener("click", () => log.clear());
byId("pause").addEventListener("click", () => {
  log.paused = !log.paused;
  byId("pause").setAttribute("aria-pressed", String(log.paused));
});

followTheme(() => speed.refresh());
chat.connect(room, tab);
dial.connect();
