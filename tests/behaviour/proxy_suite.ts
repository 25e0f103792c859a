// Clients behind real HTTP, HTTPS and SOCKS5 proxies, with and without TLS.

import { clientProxies } from "../support/proxy_programs.ts";
import type { Cases } from "./harness.ts";
import { credentialCases } from "./proxy/credentials.ts";
import { failureCases } from "./proxy/failures.ts";
import { routeCases } from "./proxy/routes.ts";
import { proxyTlsCases } from "./proxy/tls.ts";

/** The programs that the cases start. */
export const needs: typeof clientProxies = clientProxies;

export const cases: Cases = {
  ...routeCases,
  ...credentialCases,
  ...failureCases,
  ...proxyTlsCases,
};
