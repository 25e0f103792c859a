// Our client, on whichever runtime this is: client_quickws.ts <url>

import process from "node:process";
import { connect, type Message } from "../../../mod.ts";
import { converse, type InteropClient, Received } from "../conversation.ts";

async function* each(pieces: string[]): AsyncGenerator<string, void> {
  yield* pieces;
}

async function open(): Promise<InteropClient> {
  const received = new Received();
  const pongs = new Received();
  const conn = await connect(process.argv[2]!, {
    message: (_, data: Message) => received.push(data),
    pong: (_, payload) => pongs.push(payload),
  });
  return {
    send: (message) => void conn.send(message),
    async sendFragments(pieces) {
      await conn.sendStream(each(pieces));
    },
    async ping() {
      conn.ping("are you there?");
      const payload = await pongs.next() as Uint8Array;
      if (new TextDecoder().decode(payload) !== "are you there?") throw new Error("another pong");
    },
    receive: () => received.next(),
    close: (code, reason) => conn.close(code, reason),
    closed: conn.closed.then(({ code, reason, clean }) => ({ code, reason, clean })),
  };
}

await converse(open);
