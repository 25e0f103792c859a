// The behavior suites by name. Each runs on every runtime.

import type { Cases } from "./harness.ts";

/** A module of cases. */
export interface Suite {
  cases: Cases;
}

/** Loads each suite. */
export const suites: Record<string, () => Promise<Suite>> = {
  proxy: () => import("./proxy_suite.ts"),
  transport: () => import("./transport_suite.ts"),
  backplane: () => import("./backplane_suite.ts"),
  "api user code": () => import("./api_user_code_suite.ts"),
  "api admission": () => import("./api_admission_suite.ts"),
  history: () => import("./history_suite.ts"),
  "api flow": () => import("./api_flow_suite.ts"),
  "api client": () => import("./api_client_suite.ts"),
  "api keepalive": () => import("./api_keepalive_suite.ts"),
  "api server": () => import("./api_server_suite.ts"),
  deflate: () => import("./deflate_suite.ts"),
  compression: () => import("./compression_suite.ts"),
  codec: () => import("./codec_suite.ts"),
  "api attach": () => import("./api_attach_suite.ts"),
  "api client topics": () => import("./api_client_topics_suite.ts"),
  "api compression": () => import("./api_compression_suite.ts"),
  "api connection": () => import("./api_connection_suite.ts"),
  "api handlers": () => import("./api_handlers_suite.ts"),
  "api limits": () => import("./api_limits_suite.ts"),
  "api options": () => import("./api_options_suite.ts"),
  "api reading": () => import("./api_reading_suite.ts"),
  "api reconnect": () => import("./api_reconnect_suite.ts"),
  "api history": () => import("./api_history_suite.ts"),
  "api topics": () => import("./api_topics_suite.ts"),
  "api upgrade": () => import("./api_upgrade_suite.ts"),
  defects: () => import("./defects_suite.ts"),
  mistakes: () => import("./mistakes_suite.ts"),
  security: () => import("../security/live_suite.ts"),
  web: () => import("./web_suite.ts"),
};
