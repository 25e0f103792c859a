// The form for a message: text, hexadecimal bytes, or a file.

import { byId } from "./dom.js";
import { formatBytes, parseHex } from "./format.js";

/** The maximum message size of the demo's server. */
const LARGEST = 16 * 1024 * 1024;

/** The form. */
export class Composer {
  #form = byId("composer");
  #open = false;

  /** @param {(data: string | Uint8Array<ArrayBuffer>) => void} send */
  constructor(send) {
    this.#form.addEventListener("submit", async (/** @type {Event} */ event) => {
      event.preventDefault();
      const data = await this.#read();
      if (data !== undefined && this.#open) send(data);
    });
    this.#form.addEventListener("input", () => this.#update());
    byId("text").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#form.requestSubmit();
    });
    this.#update();
  }

  /** @param {boolean} open Whether a connection is open. */
  set open(open) {
    this.#open = open;
    byId("send").disabled = !open;
  }

  /** @returns {"text" | "hex" | "file"} */
  get #kind() {
    return this.#form.elements.namedItem("kind").value;
  }

  #update() {
    for (const kind of ["text", "hex", "file"]) byId(`as-${kind}`).hidden = kind !== this.#kind;
    const { size, fault } = this.#look();
    byId("composed").textContent = fault ?? `${formatBytes(size)} to send`;
    byId("composed").classList.toggle("fault", fault !== undefined);
    byId(this.#kind).setAttribute("aria-invalid", String(fault !== undefined));
  }

  /**
   * Checks the message: returns its size, or a problem. @returns {{ size: number, fault?: string }}
   */
  #look() {
    if (this.#kind === "text") return { size: new TextEncoder().encode(byId("text").value).length };
    if (this.#kind === "hex") {
      try {
        return { size: parseHex(byId("hex").value).length };
      } catch (error) {
        return { size: 0, fault: error instanceof Error ? error.message : String(error) };
      }
    }
    const size = byId("file").files[0]?.size ?? 0;
    if (size <= LARGEST) return { size };
    return {
      size,
      fault: `The file is ${formatBytes(size)}, but the server accepts at most ${
        formatBytes(LARGEST)
      }`,
    };
  }

  /** @returns {Promise<string | Uint8Array<ArrayBuffer> | undefined>} */
  async #read() {
    this.#update();
    if (this.#look().fault !== undefined) return byId(this.#kind).focus();
    if (this.#kind === "text") return byId("text").value;
    if (this.#kind === "hex") return parseHex(byId("hex").value);
    const file = byId("file").files[0];
    if (file === undefined) return byId("file").focus();
    try {
      return new Uint8Array(await file.arrayBuffer());
    } catch {
      byId("composed").textContent = "The file can no longer be read: choose it again";
      byId("composed").classList.add("fault");
    }
  }
}
