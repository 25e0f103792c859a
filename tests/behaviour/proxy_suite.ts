// Clients behind real HTTP, HTTPS and SOCKS5 proxies, with and without TLS.

import type { Cases } from "./harness.ts";
import { credentialCases } from "./proxy/credentials.ts";
import { failureCases } from "./proxy/failures.ts";
import { routeCases } from "./proxy/routes.ts";
import { proxyTlsCases } from "./proxy/tls.ts";

export const cases: Cases = {
  ...routeCases,
  ...credentialCases,
  ...failureCases,
  ...proxyTlsCases,
};
