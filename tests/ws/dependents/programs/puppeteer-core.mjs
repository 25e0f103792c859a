// puppeteer-core: controls Chromium over its DevTools WebSocket.

import assert from "node:assert/strict";
import puppeteer from "puppeteer-core";
import { assertQuickws, done } from "./support.mjs";

assertQuickws("puppeteer-core");
const browser = await puppeteer.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
  headless: true,
});
const page = await browser.newPage();
await page.setContent("<title>driven</title><h1>hello</h1>");
assert.equal(await page.title(), "driven");
assert.equal(await page.evaluate(() => "x".repeat(2_000_000).length), 2_000_000);
assert.equal((await page.evaluate(() => "y".repeat(1_000_000))).length, 1_000_000);
assert.ok((await page.screenshot()).length > 1000);
await browser.close();
done();
