// `deno task site`: builds the documentation site into .build/site and refreshes llms.txt.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSite, llmsText, pages } from "./build.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const output = join(root, ".build", "site");

await Deno.writeTextFile(join(root, "llms.txt"), llmsText(pages()));
await buildSite(output, Deno.env.get("REPOSITORY") ?? "https://github.com/antlabs/quickws-ts");
console.log(`The site is in ${output}: start with index.html`);
