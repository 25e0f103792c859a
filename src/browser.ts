/**
 * The client for pages and Workers: `connect` over the global `WebSocket`, with automatic
 * reconnection and topics. Bundlers for browsers and Workers resolve the main entry to this one.
 *
 * Options that a page cannot support, such as header fields or pings, throw a `TypeError` that names them.
 *
 * @example
 * ```ts ignore
 * import { connect } from "@quickws/quickws/browser";
 *
 * const conn = await connect("/live", { reconnect: { topics: true } });
 * await conn.subscribe("news", { message: (data) => console.log(data) });
 * ```
 *
 * @module
 */

export { connect, serve } from "./native/page_connect.ts";
export { CloseCode, Opcode, prepareMessage } from "./native/page_values.ts";
export * from "./public.ts";
