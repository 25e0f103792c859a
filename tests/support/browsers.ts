// Debian's Chromium and Firefox. All tests of a process share one browser of each, because the start
// of a browser takes longer than most tests. Each test has pages of its own.

import type {
  Browser as PlaywrightBrowser,
  BrowserContext,
  BrowserContextOptions,
  Page,
} from "playwright-core";
import { launchChromium, TIMEOUT } from "./chromium.ts";
import { Firefox } from "./firefox.ts";

/** An open page. */
export interface OpenPage {
  readonly close: () => Promise<void>;
}

let chromium: Promise<PlaywrightBrowser> | undefined;
let firefox: Promise<Firefox> | undefined;

Deno.test.afterAll(async () => {
  await (await chromium)?.close();
  await (await firefox)?.close();
});

/** Creates a context in Chromium: its pages share no cookies, storage or cache with other contexts. */
export async function newContext(options?: BrowserContextOptions): Promise<BrowserContext> {
  const context = await (await (chromium ??= launchChromium())).newContext(options);
  context.setDefaultTimeout(TIMEOUT);
  return context;
}

/** Opens a page in a new context of Chromium. */
export async function openChromium(url: string): Promise<OpenPage & { readonly page: Page }> {
  const context = await newContext();
  const page = await context.newPage();
  await page.goto(url);
  return { page, close: () => context.close() };
}

/** Opens a page in Firefox. The page reports its results over HTTP or a WebSocket. */
async function openFirefox(url: string): Promise<OpenPage> {
  const browser = await (firefox ??= Firefox.start());
  await browser.show(url);
  return { close: () => browser.show("") };
}

/** The browsers, with the programs they need. */
export const browsers = {
  Chromium: { program: "chromium", open: openChromium },
  Firefox: { program: "firefox-esr", open: openFirefox },
} as const;
