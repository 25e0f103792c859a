// A peer on Node: uWebSockets.js, as one of the packages on npm carries it.

import uws from "@trufflesuite/uws-js-unofficial";
import { settings } from "./settings.ts";

const { broadcast, compression } = settings;
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
    if (broadcast) server.publish("all", data, binary, compression !== undefined);
    else socket.send(data, binary, compression !== undefined);
  },
});
server.listen("127.0.0.1", 0, (listener) => {
  if (listener) console.log(uws.us_socket_local_port(listener));
});
