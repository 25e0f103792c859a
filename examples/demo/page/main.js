// The page's one connection to wherever the form says, and all that shows what happens on it.

import { Chat } from "./chat.js";
import { meaningOf, nameOf } from "./close_codes.js";
import { Composer } from "./composer.js";
import { formatBytes, formatCount, formatTime } from "./format.js";
import { Graph } from "./graph.js";
import { Histogram } from "./histogram.js";
import { Link } from "./link.js";
import { Log } from "./log.js";

const RUN_TIME = 10_000;
/** Bytes on their way at any time: more would only wait somewhere. */
const MOST_IN_FLIGHT = 32 * 1024 * 1024;

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
const scheme = location.protocol === "https:" ? "wss" : "ws";
const tab = crypto.randomUUID();
const link = new Link();
const log = new Log(byId("log"));
const graph = new Graph(byId("graph"));
const chat = new Chat(tab);
const composer = new Composer(sendOne);

/** What was sent and has not come back. @type {{ data: string | Uint8Array, at: number }[]} */
const waiting = [];
/** Of single messages. */
const roundTrips = new Histogram();
/** What measures, while it does. @type {Worker | undefined} */
let benchmark;
let runs = 0;
let compressedPort = 0;

// Connecting

/** The addresses of this server that the page knows. @returns {Record<string, string>} */
function addresses() {
  return {
    echo: `${scheme}://${location.host}/`,
    compressed: `${scheme}://${location.hostname}:${compressedPort}/`,
    refused: `${scheme}://${location.host}/refused`,
    goodbye: `${scheme}://${location.host}/goodbye`,
  };
}

function connect() {
  waiting.length = 0;
  hideTrouble();
  const protocols = byId("subprotocol").value.split(/[\s,]+/).filter((/** @type {string} */ name) =>
    name !== ""
  );
  try {
    const url = new URL(byId("url").value);
    // So that the server can tell this tab what it measures on its connection.
    if (url.hostname === location.hostname) url.searchParams.set("tab", tab);
    link.connect(String(url), protocols);
    byId("url").setAttribute("aria-invalid", "false");
  } catch (error) {
    byId("url").setAttribute("aria-invalid", "true");
    showTrouble("That cannot be connected to", error instanceof Error ? error.message : "");
  }
}

byId("dial").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  if (["open", "connecting", "waiting"].includes(link.state)) {
    hideTrouble();
    link.close("until next time");
  } else connect();
});

byId("preset").addEventListener("change", () => {
  const address = addresses()[byId("preset").value];
  if (address === undefined) return byId("url").focus();
  byId("url").value = address;
  connect();
});

byId("url").addEventListener("input", () => {
  const known = Object.entries(addresses()).find(([, address]) => address === byId("url").value);
  byId("preset").value = known?.[0] ?? "other";
});

const STATES = {
  idle: "Closed",
  connecting: "Connecting",
  open: "Open",
  closing: "Closing",
  waiting: "Waiting to reconnect",
};

link.addEventListener("state", () => {
  byId("state").textContent = STATES[link.state];
  document.documentElement.dataset.state = link.state;
  const busy = ["open", "connecting", "waiting"].includes(link.state);
  byId("toggle").textContent = link.state === "waiting" ? "Stop" : busy ? "Disconnect" : "Connect";
  byId("toggle").disabled = link.state === "closing";
  byId("facts").hidden = link.state !== "open";
  allow();
  if (link.state === "waiting") countDown();
  else byId("countdown").hidden = true;
});

link.addEventListener("opened", () => {
  hideTrouble();
  const handshake = formatTime(link.handshakeTime);
  byId("protocol").textContent = link.protocol || "none";
  byId("extensions").textContent = link.extensions || "off";
  byId("handshake").textContent = handshake;
  log.add({ direction: "note", kind: "open", what: shownUrl(), time: link.handshakeTime });
  chat.wake();
});

link.addEventListener("ended", (event) => {
  const { code, reason, opened, wanted } = /** @type {CustomEvent} */ (event).detail;
  waiting.length = 0;
  const what = `${code} ${nameOf(code)}${reason === "" ? "" : `: ${reason}`}`;
  if (!opened) log.add({ direction: "note", kind: "failed", what: shownUrl() });
  else if (code === 1006) log.add({ direction: "note", kind: "lost", what: meaningOf(code) });
  else log.add({ direction: wanted ? "out" : "in", kind: "close", what });
  if (wanted) return;
  if (!opened) return void explain();
  showTrouble(
    `Closed: ${code} ${nameOf(code)}`,
    `${reason === "" ? "" : `\u201c${reason}\u201d. `}${meaningOf(code)}`,
  );
});

/** Why no connection came about, as far as a page may know. */
async function explain() {
  const { host, pathname } = new URL(link.url);
  if (!Object.values(addresses()).includes(shownUrl())) {
    return showTrouble(
      `No connection to ${host}`,
      "Browsers tell pages no reason: the server may be down, may have refused, or its certificate " +
        "may not be trusted.",
    );
  }
  try {
    const answer = await fetch(`${location.origin}${pathname}`, { cache: "no-store" });
    const text = (await answer.text()).trim().slice(0, 200);
    // With another status it is only the WebSocket that failed, and may not fail next time.
    if (answer.status !== 401 && answer.status !== 403) {
      return showTrouble("The server answers, but opened no WebSocket", meaningOf(1006));
    }
    link.giveUp();
    showTrouble(`Refused with ${answer.status}`, text);
  } catch {
    if (link.state !== "waiting") return;
    showTrouble(
      `Nobody answers at ${host}`,
      "The server may be down. Start it again, and this page comes back by itself.",
    );
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

function countDown() {
  byId("countdown").hidden = false;
  const tick = () => {
    if (link.state !== "waiting") return;
    const left = Math.max(0, link.retryAt - performance.now());
    byId("retry-in").textContent = `Next attempt in ${(left / 1000).toFixed(1)} s`;
    byId("retry-bar").value = 1 - left / link.retryDelay;
    setTimeout(tick, 100);
  };
  tick();
}

byId("retry").addEventListener("click", () => link.retryNow());

function shownUrl() {
  const url = new URL(link.url);
  url.searchParams.delete("tab");
  return String(url);
}

// Messages

/** @param {string | Uint8Array<ArrayBuffer>} data */
function sendOne(data) {
  waiting.push({ data, at: performance.now() });
  link.send(data);
  log.add({ direction: "out", kind: typeof data === "string" ? "text" : "binary", data });
}

link.addEventListener("message", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  const data = typeof detail === "string" ? detail : new Uint8Array(detail);
  const sent = waiting[0];
  const isEcho = sent !== undefined && typeof sent.data === typeof data &&
    sent.data.length === data.length;
  const time = isEcho ? performance.now() - sent.at : undefined;
  if (isEcho) waiting.shift();
  if (time !== undefined) {
    graph.addDot("message", time);
    roundTrips.add(time);
    showTimes({ p50: roundTrips.quantile(0.5), p99: roundTrips.quantile(0.99) });
  }
  log.add({ direction: "in", kind: typeof data === "string" ? "text" : "binary", data, time });
});

byId("clear").addEventListener("click", () => log.clear());
byId("pause").addEventListener("click", () => {
  log.paused = !log.paused;
  byId("pause").setAttribute("aria-pressed", String(log.paused));
  byId("pause").textContent = log.paused ? "Go on" : "Pause";
});

// The benchmark

byId("bench").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  if (benchmark !== undefined) return benchmark.postMessage("stop");
  const bytes = Number(byId("bytes").value);
  const wanted = Number(byId("depth").value);
  const depth = Math.max(1, Math.min(wanted, Math.floor(MOST_IN_FLIGHT / bytes)));
  byId("result").textContent = depth === wanted
    ? "Running for ten seconds."
    : `Running with ${depth} in flight: more would be over ${formatBytes(MOST_IN_FLIGHT)}.`;
  runs++;
  roundTrips.clear();
  benchmark = new Worker("benchmark.js", { type: "module" });
  benchmark.onmessage = ({ data }) => reported(data, bytes, depth);
  const { url, protocols } = link;
  benchmark.postMessage({ url, protocols, bytes, depth, time: RUN_TIME });
  allow();
});

/** @param {import("./benchmark.js").Report} report @param {number} bytes @param {number} depth */
function reported(report, bytes, depth) {
  if ("sample" in report) {
    graph.addSample(report.sample, runs);
    return showSpeed(report.sample);
  }
  benchmark?.terminate();
  benchmark = undefined;
  allow();
  if ("fault" in report) {
    byId("result").textContent = `${report.fault}.`;
    return;
  }
  showSpeed(report.result);
  const { rate, volume, p50 = 0, p99 = 0 } = report.result;
  const what = `${formatCount(rate)} messages/s of ${formatBytes(bytes)}, ${depth} in flight: ` +
    `${formatBytes(volume)}/s each way, median ${formatTime(p50)}, p99 ${formatTime(p99)}`;
  byId("result").textContent = `${what}.`;
  byId("graph").setAttribute("aria-label", `The last benchmark: ${what}`);
  log.add({ direction: "note", kind: "bench", what });
}

/** @param {import("./benchmark.js").Sample} sample */
function showSpeed({ rate, volume, p50, p99 }) {
  document.documentElement.dataset.measured = "";
  byId("rate").textContent = formatCount(rate);
  byId("volume").textContent = `${formatBytes(volume)}/s each way`;
  showTimes({ p50, p99 });
}

/** @param {{ p50?: number, p99?: number }} times */
function showTimes({ p50, p99 }) {
  if (p50 === undefined || p99 === undefined) return;
  byId("p50").textContent = formatTime(p50);
  byId("p99").textContent = formatTime(p99);
}

/** What can be used in the state that the page is in. */
function allow() {
  const open = link.state === "open";
  composer.open = open;
  byId("run").disabled = !open && benchmark === undefined;
  byId("run").textContent = benchmark === undefined ? "Run benchmark" : "Stop";
  byId("bytes").disabled = byId("depth").disabled = benchmark !== undefined;
}

// What the server tells

chat.addEventListener("welcome", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  byId("runtime").textContent = detail.runtime;
  byId("runtime").hidden = false;
  const moved = compressedPort !== detail.compressedPort;
  compressedPort = detail.compressedPort;
  byId("compressed").disabled = false;
  if (!moved || byId("preset").value !== "compressed") return;
  // The server has been restarted, and has it elsewhere now.
  byId("url").value = addresses().compressed;
  if (link.state === "waiting") connect();
});

chat.addEventListener("ping", (event) => {
  const { took } = /** @type {CustomEvent} */ (event).detail;
  byId("ping").textContent = formatTime(took);
  graph.addDot("ping", took);
  log.add({ direction: "in", kind: "ping", what: "timed by the server", time: took });
});

chat.addEventListener("server", (event) => {
  const { cpu } = /** @type {CustomEvent} */ (event).detail;
  if (benchmark !== undefined) byId("cpu").textContent = `${cpu.toFixed(1)} \u00b5s`;
});

// The theme: the system's, until the button is used.

const dark = matchMedia("(prefers-color-scheme: dark)");
function setTheme(/** @type {string | null} */ theme) {
  if (theme !== null) document.documentElement.dataset.theme = theme;
  graph.refresh();
}
byId("theme").addEventListener("click", () => {
  const now = document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  localStorage.setItem("theme", next);
  setTheme(next);
});
dark.addEventListener("change", () => setTheme(null));
setTheme(localStorage.getItem("theme"));

byId("url").value = addresses().echo;
chat.connect(`${scheme}://${location.host}/room?tab=${tab}`);
connect();
