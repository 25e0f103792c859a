// Compression rules for tests without a connection.

import type { PermessageRules } from "../../src/message/permessage.ts";

/** Compression in both directions, with the library's codec and plenty of memory. */
export const PERMESSAGE_RULES: PermessageRules = {
  compress: true,
  decompress: true,
  threshold: undefined,
  level: "auto",
  memoryLimit: 1 << 30,
};
