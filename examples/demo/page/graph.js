// Draws the last half minute as two graphs with a common time axis: messages per second, and
// round-trip times on a logarithmic scale.

import { formatCount, formatTime } from "./format.js";

const SPAN = 30_000;
const TICKS = [30, 20, 10, 0];
const GAP = 30;
const BOTTOM = 22;
const TOP = 10;
/** The height of the upper graph, as a fraction of the whole. */
const UPPER = 0.54;
/** The time between two frames in milliseconds. The graph moves by about a pixel. */
const FRAME = 50;
const CALM = 1000;

/**
 * @typedef {import("./benchmark.js").Sample & { at: number, run: number }} Point
 * @typedef {{ at: number, took: number, kind: "message" | "ping" }} Dot
 */

/** The canvas. */
export class Graph {
  #canvas;
  #context;
  /** @type {Point[]} */
  #points = [];
  /** @type {Dot[]} */
  #dots = [];
  #top = 1000;
  #drawing = false;
  #calm = matchMedia("(prefers-reduced-motion: reduce)");

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    new ResizeObserver(() => this.#draw()).observe(canvas);
    this.#draw();
  }

  /**
   * Adds a sample of a benchmark. @param {import("./benchmark.js").Sample} sample @param {number}
   * run
   */
  addSample(sample, run) {
    this.#points.push({ ...sample, at: performance.now(), run });
    this.#animate();
  }

  /** Adds a single round trip. @param {Dot["kind"]} kind @param {number} took */
  addDot(kind, took) {
    this.#dots.push({ kind, took, at: performance.now() });
    this.#animate();
  }

  /** Redraws, because the colors may have changed. An animation redraws anyway. */
  refresh() {
    this.#draw();
  }

  #animate() {
    if (this.#drawing) return;
    this.#drawing = true;
    const frame = () => {
      this.#draw();
      this.#drawing = this.#points.length + this.#dots.length > 0;
      const pause = this.#calm.matches ? CALM : FRAME;
      if (this.#drawing) setTimeout(() => requestAnimationFrame(frame), pause);
    };
    requestAnimationFrame(frame);
  }

  #draw() {
    const now = performance.now();
    const isRecent = (/** @type {{ at: number }} */ { at }) => now - at < SPAN + 1000;
    this.#points = this.#points.filter(isRecent);
    this.#dots = this.#dots.filter(isRecent);

    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (width === 0) return;
    const scale = devicePixelRatio;
    if (
      this.#canvas.width !== Math.round(width * scale) ||
      this.#canvas.height !== Math.round(height * scale)
    ) {
      this.#canvas.width = Math.round(width * scale);
      this.#canvas.height = Math.round(height * scale);
    }
    const context = this.#context;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    const style = getComputedStyle(this.#canvas);
    context.font = `11px ${style.fontFamily}`;
    context.lineJoin = "round";

    const left = 46;
    const upper = TOP + (height - TOP - BOTTOM - GAP) * UPPER;
    const x = (/** @type {number} */ at) => left + (width - left) * (1 - (now - at) / SPAN);
    const frame = { left, width, x, style };
    this.#drawRate(frame, TOP, upper);
    this.#drawLatency(frame, upper + GAP, height - BOTTOM);

    context.fillStyle = style.color;
    context.textBaseline = "alphabetic";
    for (const seconds of TICKS) {
      context.textAlign = seconds === 30 ? "left" : seconds === 0 ? "right" : "center";
      const text = seconds === 0 ? "now" : `${seconds} s ago`;
      context.fillText(text, x(now - seconds * 1000), height - 5);
    }
  }

  /** @param {Frame} frame @param {number} top @param {number} bottom */
  #drawRate(frame, top, bottom) {
    const context = this.#context;
    const highest = Math.max(1000, ...this.#points.map(({ rate }) => rate));
    // The scale follows smoothly, unless the user prefers reduced motion.
    const aim = highest * 1.08;
    this.#top = this.#calm.matches ? aim : this.#top + (aim - this.#top) * 0.2;
    const y = (/** @type {number} */ rate) => bottom - (bottom - top) * rate / this.#top;
    const step = niceStep(this.#top / 3.5);
    for (let rate = 0; rate <= this.#top; rate += step) {
      this.#line(frame, y(rate), rate === 0 ? "0" : shortCount(rate));
    }
    const color = colorOf("rate");
    for (const run of this.#runs()) {
      context.beginPath();
      for (const { at, rate } of run) context.lineTo(frame.x(at), y(rate));
      this.#clipped(frame, () => {
        context.strokeStyle = color;
        context.lineWidth = 2;
        context.stroke();
        context.lineTo(frame.x(run[run.length - 1].at), bottom);
        context.lineTo(frame.x(run[0].at), bottom);
        const fade = context.createLinearGradient(0, top, 0, bottom);
        fade.addColorStop(0, color);
        fade.addColorStop(1, color.replace("rgb(", "rgba(").replace(")", ", 0)"));
        context.globalAlpha = 0.28;
        context.fillStyle = fade;
        context.fill();
        context.globalAlpha = 1;
      });
    }
  }

  /** @param {Frame} frame @param {number} top @param {number} bottom */
  #drawLatency(frame, top, bottom) {
    const context = this.#context;
    const times = [
      ...this.#points.flatMap(({ p50, p99 }) => p50 === undefined ? [] : [p50, p99 ?? p50]),
      ...this.#dots.map(({ took }) => took),
    ].map((time) => Math.log10(Math.max(time, 0.001)));
    const low = Math.floor(Math.min(-1, ...times));
    const high = Math.max(low + 2, Math.ceil(Math.max(1, ...times)));
    const y = (/** @type {number} */ time) => {
      const share = (Math.log10(Math.max(time, 0.001)) - low) / (high - low);
      return bottom - (bottom - top) * share;
    };
    for (let power = low; power <= high; power++) {
      this.#line(frame, y(10 ** power), powerOfTen(power));
    }
    this.#clipped(frame, () => {
      for (const run of this.#runs()) {
        const timed = run.filter(({ p50 }) => p50 !== undefined);
        this.#band(frame, timed, y);
      }
      for (const { at, took, kind } of this.#dots) {
        context.beginPath();
        context.arc(frame.x(at), y(took), kind === "ping" ? 2.5 : 3.5, 0, 2 * Math.PI);
        context.lineWidth = 1.5;
        context.strokeStyle = context.fillStyle = colorOf(kind === "ping" ? "ping" : "median");
        if (kind === "ping") context.stroke();
        else context.fill();
      }
    });
  }

  /**
   * Draws the band from the median to the 99th percentile. @param {Frame} frame @param {Point[]}
   * run @param {(time: number) => number} y
   */
  #band(frame, run, y) {
    const context = this.#context;
    const median = (/** @type {Point} */ { at, p50 }) => context.lineTo(frame.x(at), y(p50 ?? 0));
    const tail = (/** @type {Point} */ { at, p99 }) => context.lineTo(frame.x(at), y(p99 ?? 0));
    context.beginPath();
    run.forEach(median);
    run.toReversed().forEach(tail);
    context.globalAlpha = 0.18;
    context.fillStyle = colorOf("tail");
    context.fill();
    context.globalAlpha = 1;
    for (
      const [draw, name, width]
        of /** @type {const} */ ([[tail, "tail", 1.25], [median, "median", 2]])
    ) {
      context.beginPath();
      run.forEach(draw);
      context.strokeStyle = colorOf(name);
      context.lineWidth = width;
      context.stroke();
    }
  }

  /** Groups the points by benchmark. */
  #runs() {
    /** @type {Map<number, Point[]>} */
    const runs = new Map();
    for (const point of this.#points) {
      const run = runs.get(point.run);
      if (run === undefined) runs.set(point.run, [point]);
      else run.push(point);
    }
    return [...runs.values()];
  }

  /** @param {Frame} frame @param {() => void} draw */
  #clipped({ left, width }, draw) {
    const context = this.#context;
    context.save();
    // A Path2D does not change the current path of the canvas.
    const area = new Path2D();
    area.rect(left, 0, width - left, this.#canvas.clientHeight);
    context.clip(area);
    draw();
    context.restore();
  }

  /** @param {Frame} frame @param {number} y @param {string} label */
  #line({ left, width, style }, y, label) {
    const context = this.#context;
    context.strokeStyle = style.outlineColor;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(left, Math.round(y) + 0.5);
    context.lineTo(width, Math.round(y) + 0.5);
    context.stroke();
    context.fillStyle = style.color;
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillText(label, left - 8, y);
  }
}

/**
 * @typedef {{ left: number, width: number, x: (at: number) => number, style: CSSStyleDeclaration }}
 * Frame
 */

/** Returns a color of the legend. @param {"rate" | "median" | "tail" | "ping"} name */
function colorOf(name) {
  const swatch = /** @type {Element} */ (document.querySelector(`.swatch.${name}`));
  return getComputedStyle(swatch).color;
}

/** Rounds to 1, 2 or 5 times a power of ten. @param {number} rough */
function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  const digit = rough / power;
  return power * (digit < 1.5 ? 1 : digit < 3 ? 2 : digit < 7 ? 5 : 10);
}

/** @param {number} count */
function shortCount(count) {
  return count >= 1000 ? `${formatCount(count / 1000)}k` : formatCount(count);
}

/** @param {number} power */
function powerOfTen(power) {
  if (power < -1) return formatTime(10 ** power);
  return power < 3 ? `${10 ** power} ms` : `${10 ** (power - 3)} s`;
}
