// Follows a remote log: sends lines of text over a connection with the streams of Deno's standard
// library. Needs Deno, because `@std/streams` is a JSR package. The project's checks and tests run
// without JSR, so they do not cover this file.
//
//   deno run -A examples/lines.ts                              serves its standard input
//   deno run -A examples/lines.ts ws://127.0.0.1:8080/ error   prints the lines that contain "error"
//
// To try it: tail -f /var/log/syslog | deno run -A examples/lines.ts

import { TextLineStream } from "jsr:@std/streams@^1.0.0/text-line-stream";
import { connect, serve } from "@quickws/quickws";

const [url, word = ""] = Deno.args;

if (url === undefined) {
  const server = await serve({
    port: Number(Deno.env.get("PORT") ?? 8080),
    message() {},
  });
  console.error(`Lines on ${server.url}`);
  // Chunks of the input do not end at line breaks, so a message may contain any part of the text.
  for await (const piece of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    server.broadcast(piece);
  }
  await server.shutdown();
} else {
  const conn = await connect(url);
  const lines = conn.readable
    .pipeThrough(
      new TransformStream<string | Uint8Array, string>({
        transform: (piece, controller) => controller.enqueue(String(piece)),
      }),
    )
    .pipeThrough(new TextLineStream())
    .pipeThrough(
      new TransformStream<string, string>({
        transform(line, controller) {
          if (line.includes(word)) controller.enqueue(`${line}\n`);
        },
      }),
    );
  await lines.pipeThrough(new TextEncoderStream()).pipeTo(Deno.stdout.writable);
}
