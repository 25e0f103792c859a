// Starts Debian's Chromium or Firefox with one page. The page reports its results over HTTP or a
// WebSocket, so most tests need no browser automation.

import { spawn } from "node:child_process";
import type { Page } from "playwright-core";
import { launchChromium } from "./chromium.ts";
import { programPath } from "./need.ts";

/** A browser with one page. */
export interface Browser {
  readonly close: () => Promise<void>;
}

/** Opens a page in Debian's Chromium. */
export async function openChromium(url: string): Promise<Browser & { readonly page: Page }> {
  const browser = await launchChromium();
  const page = await browser.newPage();
  await page.goto(url);
  return { page, close: () => browser.close() };
}

/** Opens a page in Debian's Firefox, with a fresh profile. */
async function openFirefox(url: string): Promise<Browser> {
  const profile = await Deno.makeTempDir();
  // A fresh profile without a home page, updates or prompts.
  await Deno.writeTextFile(
    `${profile}/user.js`,
    [
      ["browser.shell.checkDefaultBrowser", false],
      ["browser.startup.homepage_override.mstone", "ignore"],
      ["datareporting.policy.dataSubmissionEnabled", false],
      ["toolkit.telemetry.enabled", false],
      ["app.update.enabled", false],
      ["network.captive-portal-service.enabled", false],
      ["network.connectivity-service.enabled", false],
    ].map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`)
      .join("\n"),
  );
  const child = spawn(programPath("firefox-esr")!, ["--headless", "--profile", profile, url], {
    stdio: "ignore",
    env: { ...Deno.env.toObject(), HOME: profile, MOZ_DISABLE_CONTENT_SANDBOX: "1" },
  });
  const exited = new Promise((resolve) => child.on("exit", resolve));
  return {
    close: async () => {
      child.kill("SIGKILL");
      await exited;
      await Deno.remove(profile, { recursive: true }).catch(() => {});
    },
  };
}

/** The browsers, with the programs they need. */
export const browsers = {
  Chromium: { program: "chromium", open: openChromium },
  Firefox: { program: "firefox-esr", open: openFirefox },
} as const;
