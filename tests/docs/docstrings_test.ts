// Runs the examples in docstrings on Deno and compares their output with the comments. `deno test
// --doc` would reload the library for each example and not compare the output. Examples marked
// `ignore` are for other runtimes or need a broker. tests/docs/check_types.ts type-checks them.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { doctorSources, librarySources, root } from "../project/source_files.ts";
import { expectedLines } from "./blocks.ts";

/** An example as a function. The parameter shadows the global console. */
type Example = (console: Pick<Console, "log">) => Promise<void>;

/** Converts the code of a module to the body of an async function. */
function functionBody(code: string): string {
  return code
    .replaceAll(/^import \* as (\w+) from (".+");.*$/gm, "const $1 = await import($2);")
    .replaceAll(/^import \{([^}]+)\} from (".+");.*$/gm, (_, list: string, module: string) => {
      const names = list.split(",").map((name) => name.trim());
      const values = names.filter((name) => name !== "" && !name.startsWith("type "));
      return `const { ${values.join(", ").replaceAll(" as ", ": ")} } = await import(${module});`;
    })
    .replaceAll(/^export (?=const |function |class )/gm, "");
}

/** The code of the examples by origin. */
const examples = new Map<string, string>();
for (const { path, text } of [...librarySources(), ...doctorSources()]) {
  for (const match of text.matchAll(/^( *) \* ```ts\n([^]*?)^\1 \* ```$/gm)) {
    const line = text.slice(0, match.index).split("\n").length;
    examples.set(`${path}:${line}`, match[2]!.replaceAll(/^ *\* ?/gm, ""));
  }
}

const directory = join(root, ".build", "docstrings");
mkdirSync(directory, { recursive: true });
const module = join(directory, "examples.ts");
const functions = [...examples.values()].map((code) =>
  `async (console) => {\n${functionBody(code)}}`
);
writeFileSync(module, `export default [\n${functions.join(",\n")}];\n`);
const { default: runs }: { default: Example[] } = await import(pathToFileURL(module).href);

/** Formats values as `console.log` does, without spaces, and errors without their stacks. */
function printedWithoutSpaces(values: unknown[]): string {
  return values.map((value) =>
    typeof value === "string" || value instanceof Error ? String(value) : Deno.inspect(value)
  ).join("").replaceAll(/\s+/g, "");
}

for (const [index, [origin, code]] of [...examples].entries()) {
  Deno.test(`the example at ${origin} runs and prints the output in its comments`, async () => {
    const left = new Set(
      expectedLines(code).map(({ source }) => new RegExp(source.replaceAll(" ", ""))),
    );
    const { promise: complete, resolve } = Promise.withResolvers<void>();
    const log = (...values: unknown[]): void => {
      const text = printedWithoutSpaces(values);
      for (const line of left) if (line.test(text)) left.delete(line);
      if (left.size === 0) resolve();
    };
    if (left.size === 0) resolve();
    await runs[index]!({ log });
    // Event handlers may print after the last line of the example.
    await complete;
    assert.equal(left.size, 0);
  });
}
