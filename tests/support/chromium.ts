// A real Chromium, Debian's, driven by playwright-core; on any runtime.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { type Browser, chromium } from "playwright-core";

/** Where the Debian package puts it. */
const CHROMIUM = "/usr/bin/chromium";

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
  if (existsSync(CHROMIUM)) return;
  for (const args of [["update"], ["install", "--yes", "--no-install-recommends", "chromium"]]) {
    const { error, status, stderr } = spawnSync("apt-get", args, {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      encoding: "utf8",
    });
    if (status !== 0) {
      throw new Error(
        "The tests need the Debian package chromium: install it, or run the tests as root where " +
          `there is apt-get\n${error?.message ?? stderr}`,
      );
    }
  }
  if (!existsSync(CHROMIUM)) throw new Error(`apt-get did not install ${CHROMIUM}`);
}

/** Starts it without a window and with a profile of its own, which goes when it is closed. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args: ARGUMENTS });
}
