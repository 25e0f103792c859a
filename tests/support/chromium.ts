// Debian's Chromium, driven by playwright-core, on any runtime.

import { type Browser, chromium } from "playwright-core";

/** The path in the Debian package. */
const CHROMIUM = "/usr/bin/chromium";

/** Milliseconds that a change of a page may take to show on a busy machine. */
export const PATIENCE = 120_000;

/** Chromium has no sandbox as root; the other arguments stop requests in the background. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts Chromium headless, with a temporary profile that is removed when it closes. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args: ARGUMENTS });
}
