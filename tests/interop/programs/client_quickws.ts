// The quickws client on the current runtime: client_quickws.ts <conversations>

import process from "node:process";
import { connect } from "../../../mod.ts";
import { Received, runConversations } from "../conversation.ts";
import { asInteropClient, COMPRESSION_OPTIONS } from "./quickws.ts";

await runConversations(process.argv[2]!, async ({ mode, url, ca }) => {
  const received = new Received();
  const pongs = new Received();
  const conn = await connect(url, {
    compression: COMPRESSION_OPTIONS[mode],
    tls: ca === undefined ? undefined : { caCerts: [ca] },
    message: (_, data) => received.push(data),
    pong: (_, payload) => pongs.push(payload),
  });
  return asInteropClient(conn, received, pongs);
});
