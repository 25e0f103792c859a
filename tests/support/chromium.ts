// Debian's Chromium, driven by playwright-core, on any runtime.

import { type Browser, chromium } from "playwright-core";

/** The path in the Debian package. */
const CHROMIUM = "/usr/bin/chromium";

/** Milliseconds that a change of a page may take to show on a busy machine. */
export const PATIENCE = 120_000;

/**
 * Chromium features that the tests disable. Chromium reads only the last `--disable-features`, so
 * the list repeats those of Playwright that matter here. It adds the popups of the address bar,
 * which load two more pages in every window.
 */
const DISABLED_FEATURES = [
  "AvoidUnnecessaryBeforeUnloadCheckSync",
  "DestroyProfileOnBrowserClose",
  "HttpsFirstBalancedModeAutoEnable",
  "HttpsUpgrades",
  "MediaRouter",
  "NetworkTimeServiceQuerying",
  "OptimizationHints",
  "PaintHolding",
  "PreconnectToSearch",
  "AimEnabled",
  "WebUIOmniboxAimPopup",
  "WebUIOmniboxPopup",
];

/** Chromium has no sandbox as root; the other arguments stop requests in the background. */
const ARGUMENTS = [
  `--disable-features=${DISABLED_FEATURES.join(",")}`,
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
