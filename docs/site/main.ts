// `deno task site`: builds the documentation site into .build/site and updates llms.txt.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import config from "../../deno.json" with { type: "json" };
import { buildSite, llmsText, pages } from "./build.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const output = join(root, ".build", "site");

await Deno.writeTextFile(join(root, "llms.txt"), llmsText(pages()));
await buildSite(output, config.repository);
console.log(`The site is in ${output}: start with index.html`);
