// A peer on Node: uWebSockets.js, as one of the packages on npm carries it.

import uws from "@trufflesuite/uws-js-unofficial";
import { settings } from "./settings.ts";

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
  // Its default drops what a slow client does not take.
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
