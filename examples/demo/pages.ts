// Serves the files of the page, with header fields that isolate it.

import { readFile } from "node:fs/promises";

const TYPES: Record<string, string> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

const FILES = [
  "index.html",
  "style.css",
  "icon.svg",
  "main.js",
  "addresses.js",
  "benchmark.js",
  "chat.js",
  "close_codes.js",
  "composer.js",
  "dial.js",
  "dom.js",
  "format.js",
  "graph.js",
  "histogram.js",
  "link.js",
  "log.js",
  "speed.js",
  "theme.js",
];

/**
 * Lets the page run only its own scripts, but open WebSockets to any server. An isolated page also
 * gets the most precise clock of the browser.
 */
const HEADERS: Record<string, string> = {
  "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; " +
    "img-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; " +
    "frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
};

/** The files served over plain HTTP, by path. */
export class Pages {
  readonly #found = new Map<string, [body: string, type: string]>();

  /** Reads all files. */
  static async read(): Promise<Pages> {
    const pages = new Pages();
    for (const name of FILES) {
      const body = await readFile(new URL(`page/${name}`, import.meta.url), "utf8");
      const type = TYPES[name.slice(name.lastIndexOf(".") + 1)]!;
      pages.#found.set(name === "index.html" ? "/" : `/${name}`, [body, type]);
    }
    return pages;
  }

  /** Answers a request. */
  answer(path: string): Response {
    const [body, type] = this.#found.get(path) ?? ["Not found\n", "text/plain; charset=utf-8"];
    const status = this.#found.has(path) ? 200 : 404;
    return new Response(body, { status, headers: { ...HEADERS, "content-type": type } });
  }
}
