// Drives Debian's Chromium with playwright-core, on any runtime.

import { type Browser, chromium } from "playwright-core";

/** The path in the Debian package. */
const CHROMIUM = "/usr/bin/chromium";

/** How long a page may take to show a change on a busy machine, in milliseconds. */
export const TIMEOUT = 120_000;

/**
 * Chromium features that the tests disable. Chromium honors only the last `--disable-features`, so
 * the list repeats Playwright's entries that matter here. It also disables the popups of the
 * address bar, which load two more pages in every window.
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

/** Chromium cannot sandbox when run as root. The other arguments prevent background requests. */
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

/** Starts headless Chromium with a temporary profile, which is removed when the browser closes. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args: ARGUMENTS });
}
