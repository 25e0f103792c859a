// A real Chromium, Debian's, driven by playwright-core; on any runtime.

import { type Browser, chromium } from "playwright-core";
import { installPrograms } from "./debian.ts";

/** Where the Debian package puts it. */
const CHROMIUM = "/usr/bin/chromium";

/** Milliseconds that a change of a page may take to show on a busy machine. */
export const PATIENCE = 120_000;

/** As root there is no sandbox; the others keep it from talking to anybody by itself. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * Installs Chromium if it is missing, which only root can do.
 *
 * @throws {Error} When that is not possible; the message tells what to do.
 */
export function installChromium(): void {
  installPrograms({ chromium: "chromium" });
}

/** Starts it without a window and with a profile of its own, which goes when it is closed. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args: ARGUMENTS });
}
