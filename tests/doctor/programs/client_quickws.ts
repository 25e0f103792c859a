// Examines the quickws client: client_quickws.ts <url> [compression]

import process from "node:process";
import { connect } from "../../../mod.ts";
import { runCases } from "./run_cases.ts";

const takeover = { serverContextTakeover: true, clientContextTakeover: true };
const compression = process.argv[3] === "compression" ? takeover : false;

await runCases("quickws", async (url, onText) => {
  const conn = await connect(url, {
    compression,
    maxFragments: 100_000,
    message(conn, data) {
      if (onText === undefined) conn.send(data);
      else onText(String(data));
    },
  });
  await conn.closed;
});
process.exit(0);
