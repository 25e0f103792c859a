// A peer on Node: uWebSockets.js, from one of the npm packages that contain it.

import process from "node:process";
import { settings } from "./settings.ts";

type Uws = typeof import("@trufflesuite/uws-js-unofficial");

const module = process.env.UWS_MODULE ?? "@trufflesuite/uws-js-unofficial";
const { default: uws }: { default: Uws } = await import(module);

const { broadcast, burst = 1, compression } = settings;
const UNLIMITED = 1 << 30;

const server = uws.App();
server.ws("/*", {
  compression: compression === undefined
    ? uws.DISABLED
    : compression === "alone"
    ? uws.SHARED_COMPRESSOR | uws.SHARED_DECOMPRESSOR
    : uws.DEDICATED_COMPRESSOR_32KB | uws.DEDICATED_DECOMPRESSOR_32KB,
  maxPayloadLength: 16 << 20,
  // The default drops messages to slow clients.
  maxBackpressure: UNLIMITED,
  idleTimeout: 0,
  open(socket) {
    if (broadcast) socket.subscribe("all");
  },
  message(socket, data, binary) {
    const compress = compression !== undefined;
    if (!broadcast) return void socket.send(data, binary, compress);
    for (let count = 0; count < burst; count++) server.publish("all", data, binary, compress);
  },
});
server.listen("127.0.0.1", 0, (listener) => {
  if (listener) console.log(uws.us_socket_local_port(listener));
});
