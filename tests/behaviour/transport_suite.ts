// The Transport interface over the real sockets of each runtime.

import type { Cases } from "./harness.ts";
import { closingCases } from "./transport/closing.ts";
import { dialingCases } from "./transport/dialing.ts";
import { echoCases } from "./transport/echo.ts";
import { readingCases } from "./transport/reading.ts";
import { tlsCases } from "./transport/tls.ts";
import { trustCases } from "./transport/trust.ts";
import { writingCases } from "./transport/writing.ts";

export const cases: Cases = {
  ...echoCases,
  ...writingCases,
  ...readingCases,
  ...closingCases,
  ...dialingCases,
  ...tlsCases,
  ...trustCases,
};
