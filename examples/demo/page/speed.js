// Performance: the figures, the graph, and the benchmark.

import { byId } from "./dom.js";
import { formatBytes, formatCount, formatTime } from "./format.js";
import { Graph } from "./graph.js";
import { Histogram } from "./histogram.js";

/** The maximum bytes in flight. More would only be buffered. */
const MOST_IN_FLIGHT = 32 * 1024 * 1024;

/** Emits `result`, with a summary of a benchmark as the detail. */
export class Speed extends EventTarget {
  #link;
  #graph = new Graph(byId("graph"));
  /** Round trips of single messages since the last benchmark. */
  #roundTrips = new Histogram();
  /** The worker of a running benchmark. @type {Worker | undefined} */
  #worker;
  #runs = 0;

  /** @param {import("./link.js").Link} link The link to the measured server. */
  constructor(link) {
    super();
    this.#link = link;
    link.addEventListener("state", () => this.#allow());
    byId("bench").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      if (this.#worker === undefined) this.#start();
      else this.#worker.postMessage("stop");
    });
  }

  /** Handles the echo of a single message. @param {number} took */
  addRoundTrip(took) {
    this.#roundTrips.add(took);
    this.#graph.addDot("message", took);
    if (this.#worker === undefined) {
      showTimes(this.#roundTrips.quantile(0.5), this.#roundTrips.quantile(0.99));
    }
  }

  /** Shows the duration of a ping from the server. @param {number} took */
  addPing(took) {
    byId("ping").textContent = formatTime(took);
    this.#graph.addDot("ping", took);
  }

  /** Shows the server's CPU time per message. @param {number} microseconds */
  set cpu(microseconds) {
    if (this.#worker !== undefined) byId("cpu").textContent = `${microseconds.toFixed(1)} \u00b5s`;
  }

  /** Redraws the graph with new colors. */
  refresh() {
    this.#graph.refresh();
  }

  #start() {
    const bytes = Number(byId("bytes").value);
    const wanted = Number(byId("depth").value);
    const time = Number(byId("time").value) * 1000;
    const depth = Math.max(1, Math.min(wanted, Math.floor(MOST_IN_FLIGHT / bytes)));
    byId("result").textContent = depth === wanted
      ? "Running \u2026"
      : `Running with ${depth} in flight: more would be over ${formatBytes(MOST_IN_FLIGHT)}.`;
    this.#runs++;
    this.#roundTrips.clear();
    this.#worker = new Worker("benchmark.js", { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#reported(data, bytes, depth);
    const { url, protocols } = this.#link;
    this.#worker.postMessage({ url, protocols, bytes, depth, time });
    this.#allow();
  }

  /** @param {import("./benchmark.js").Report} report @param {number} bytes @param {number} depth */
  #reported(report, bytes, depth) {
    if ("sample" in report) {
      this.#graph.addSample(report.sample, this.#runs);
      return showSample(report.sample);
    }
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#allow();
    if ("fault" in report) {
      byId("result").textContent = `${report.fault}.`;
      return;
    }
    showSample(report.result);
    const { rate, volume, p50 = 0, p99 = 0 } = report.result;
    const line = `${formatCount(rate)} messages/s of ${formatBytes(bytes)}, ${depth} in flight: ` +
      `${formatBytes(volume)}/s each way, median ${formatTime(p50)}, p99 ${formatTime(p99)}`;
    byId("result").textContent = `${line}.`;
    byId("graph").setAttribute("aria-label", `The last benchmark: ${line}`);
    this.dispatchEvent(new CustomEvent("result", { detail: line }));
  }

  #allow() {
    const running = this.#worker !== undefined;
    byId("run").disabled = this.#link.state !== "open" && !running;
    byId("run").textContent = running ? "Stop" : "Run benchmark";
    for (const id of ["bytes", "depth", "time"]) byId(id).disabled = running;
  }
}

/** @param {import("./benchmark.js").Sample} sample */
function showSample({ rate, volume, p50, p99 }) {
  document.documentElement.dataset.measured = "";
  byId("rate").textContent = formatCount(rate);
  byId("volume").textContent = `${formatBytes(volume)}/s each way`;
  showTimes(p50, p99);
}

/** @param {number} [p50] @param {number} [p99] */
function showTimes(p50, p99) {
  if (p50 === undefined || p99 === undefined) return;
  byId("p50").textContent = formatTime(p50);
  byId("p99").textContent = formatTime(p99);
}
