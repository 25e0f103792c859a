// The check of the option `allowedOrigins`.

import { show, wrongType } from "../shared/check.ts";

/** @throws {TypeError} Unless the option is absent or says whose pages may connect. */
export function checkOrigins(origins: unknown): void {
  if (origins === undefined || origins === "same" || origins === "any") return;
  if (typeof origins === "function") return;
  if (!Array.isArray(origins)) {
    throw wrongType("allowedOrigins", '"same", "any", an array of origins or a function', origins);
  }
  for (const origin of origins) {
    if (typeof origin !== "string" || !isOrigin(origin)) {
      throw new TypeError(
        `Option "allowedOrigins" must list origins such as "https://example.com", got ${
          show(origin)
        }`,
      );
    }
  }
}

/** Whether it is an origin as browsers write them: scheme, host, port unless it is the default. */
function isOrigin(text: string): boolean {
  try {
    const url = new URL(text);
    return text === `${url.protocol}//${url.host}`;
  } catch {
    return false;
  }
}
