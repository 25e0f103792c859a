// A worker that measures on a separate connection, so that drawing the page does not affect the
// results. It keeps a number of messages in flight: each echo triggers the next message.

import { Histogram } from "./histogram.js";

const SAMPLE_INTERVAL = 200;
/** The timeout for an echo, in milliseconds. */
const PATIENCE = 10_000;

/**
 * The settings of a benchmark.
 *
 * @typedef {object} Plan
 * @property {string} url
 * @property {string[]} protocols
 * @property {number} bytes The size of each message.
 * @property {number} depth The number of messages in flight.
 * @property {number} time The duration in milliseconds.
 */

/**
 * The figures of a period: messages and bytes per second, and round trips in milliseconds.
 *
 * @typedef {{ rate: number, volume: number, p50?: number, p99?: number }} Sample
 */

/**
 * A message to the page: a periodic sample, the final sample, or an error.
 *
 * @typedef {{ sample: Sample } | { result: Sample } | { fault: string }} Report
 */

/** One run. */
class Benchmark {
  #plan;
  #payload;
  #socket;
  #sendTimes;
  #oldest = 0;
  #inFlight = 0;
  #all = new Histogram();
  #recent = new Histogram();
  #began = 0;
  #sampledAt = 0;
  #echoedAt = 0;
  #over = false;
  /** @type {number | undefined} */
  #sampling;

  /** @param {Plan} plan */
  constructor(plan) {
    this.#plan = plan;
    this.#payload = randomBytes(plan.bytes);
    this.#sendTimes = new Float64Array(plan.depth);
    this.#socket = new WebSocket(plan.url, plan.protocols);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => this.#begin();
    this.#socket.onmessage = () => this.#echoed();
    this.#socket.onclose = ({ code }) => this.#end({ fault: `The connection ended with ${code}` });
  }

  /** Ends the run early. Messages in flight are still received. */
  stop() {
    this.#plan.time = 0;
  }

  #begin() {
    this.#began = this.#sampledAt = this.#echoedAt = performance.now();
    this.#sampling = setInterval(() => this.#sample(), SAMPLE_INTERVAL);
    for (let index = 0; index < this.#plan.depth; index++) this.#send(index, performance.now());
  }

  /** @param {number} index @param {number} now */
  #send(index, now) {
    this.#sendTimes[index] = now;
    this.#inFlight++;
    this.#socket.send(this.#payload);
  }

  #echoed() {
    const now = performance.now();
    const took = now - this.#sendTimes[this.#oldest];
    this.#all.add(took);
    this.#recent.add(took);
    this.#echoedAt = now;
    this.#inFlight--;
    if (now - this.#began < this.#plan.time) this.#send(this.#oldest, now);
    else if (this.#inFlight === 0) this.#end({ result: this.#of(this.#all, now - this.#began) });
    this.#oldest = (this.#oldest + 1) % this.#plan.depth;
  }

  #sample() {
    const now = performance.now();
    if (now - this.#echoedAt > PATIENCE) {
      return this.#end({ fault: "No echo received: the server does not echo messages" });
    }
    report({ sample: this.#of(this.#recent, now - this.#sampledAt) });
    this.#recent.clear();
    this.#sampledAt = now;
  }

  /** @param {Histogram} times @param {number} span @returns {Sample} */
  #of(times, span) {
    const rate = times.count * 1000 / span;
    const [p50, p99] = [times.quantile(0.5), times.quantile(0.99)];
    return { rate, volume: rate * this.#plan.bytes, p50, p99 };
  }

  /** @param {Report} last */
  #end(last) {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#sampling);
    this.#socket.close(1000);
    report(last);
  }
}

/** @param {Report} what */
function report(what) {
  postMessage(what);
}

/** @param {number} count */
function randomBytes(count) {
  const bytes = new Uint8Array(count);
  // getRandomValues returns at most 64 KiB per call.
  for (let offset = 0; offset < count; offset += 65536) {
    crypto.getRandomValues(bytes.subarray(offset, offset + 65536));
  }
  return bytes;
}

/** @type {Benchmark | undefined} */
let benchmark;
addEventListener("message", ({ data }) => {
  if (data === "stop") benchmark?.stop();
  else benchmark = new Benchmark(data);
});
