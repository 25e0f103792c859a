// The client's way out: through real HTTP, HTTPS and SOCKS5 proxies, with and without TLS.

import { installProxyPrograms } from "../support/proxy_programs.ts";
import type { Cases } from "./harness.ts";
import { credentialCases } from "./proxy/credentials.ts";
import { failureCases } from "./proxy/failures.ts";
import { routeCases } from "./proxy/routes.ts";
import { proxyTlsCases } from "./proxy/tls.ts";

/** What has to be on the machine. */
export const prepare: () => void = installProxyPrograms;

/** Everything about proxies, and about TLS as it is found behind them. */
export const cases: Cases = {
  ...routeCases,
  ...credentialCases,
  ...failureCases,
  ...proxyTlsCases,
};
