// A ticker that sends prices to all clients. A slow client receives only the newest price of each
// symbol: it misses some prices, but never receives an older one later, and the memory for it is
// bounded.
//
//   deno run -A examples/ticker.ts
//   bun examples/ticker.ts
//   node examples/ticker.ts
//
// Environment variables: PORT, SYMBOLS (their number, default 20) and INTERVAL (milliseconds,
// default 100).

import process from "node:process";
import { CloseCode, type Connection, prepareMessage, serve } from "@quickws/quickws";

type Prepared = ReturnType<typeof prepareMessage>;

/** Pending prices for a slow client, by symbol. A newer price replaces an older one. */
type Late = Map<string, Prepared>;

const HIGH_WATER_MARK = 64 * 1024;
const interval = Number(process.env.INTERVAL ?? 100);
const prices = new Map(
  Array.from({ length: Number(process.env.SYMBOLS ?? 20) }, (_, i) => [`SYM${i}`, 100 + i]),
);
let sent = 0;
let leftOut = 0;

const server = await serve<Late>({
  port: Number(process.env.PORT ?? 8080),
  highWaterMark: HIGH_WATER_MARK,
  upgrade: () => ({ data: new Map() }),
  message: (conn) => conn.close(CloseCode.PolicyViolation, "this server accepts no messages"),
  drain(conn) {
    for (const [symbol, message] of conn.data) {
      conn.data.delete(symbol);
      sent++;
      if (!conn.sendPrepared(message)) return;
    }
  },
});

/** Sends a price immediately, or keeps it for `drain` if earlier output is still buffered. */
function sendPrice(conn: Connection<Late>, symbol: string, message: Prepared): void {
  const late = conn.data;
  // If prices are pending, this one must also wait, or an older price could arrive after it.
  if (late.size > 0 || conn.bufferedAmount > HIGH_WATER_MARK) {
    if (late.has(symbol)) leftOut++;
    late.set(symbol, message);
  } else {
    sent++;
    conn.sendPrepared(message);
  }
}

let tick = 0;
setInterval(() => {
  tick++;
  for (const [symbol, price] of prices) {
    const next = price * (1 + (Math.random() - 0.5) / 100);
    prices.set(symbol, next);
    // Encoded once for all receivers.
    const message = prepareMessage(JSON.stringify({ symbol, tick, price: next.toFixed(2) }));
    for (const conn of server.clients()) sendPrice(conn, symbol, message);
  }
}, interval);

setInterval(() => {
  if (sent + leftOut === 0) return;
  console.log(`${server.connections} readers: ${sent} prices sent, ${leftOut} left out`);
  sent = leftOut = 0;
}, 1000);

console.log(`Ticker on ${server.url}`);
