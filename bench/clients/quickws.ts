// An echoing client of this library.

import { connect } from "../../mod.ts";
import { settings } from "./settings.ts";

for (let opened = 0; opened < settings.connections; opened++) {
  await connect(settings.url, { message: (conn, data) => void conn.send(data) });
}
