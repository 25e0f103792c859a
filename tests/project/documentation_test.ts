// Requires examples in the documentation of each entry, in addition to `deno doc --lint`.
// tests/docs/docstrings_test.ts runs the examples.

import assert from "node:assert/strict";
import { join } from "node:path";
import config from "../../deno.json" with { type: "json" };
import { root } from "./source_files.ts";

/** A documentation comment from `deno doc --json`. */
interface Comment {
  readonly doc?: string;
  readonly tags?: readonly { readonly kind: string; readonly doc?: string }[];
}

/** A module from `deno doc --json`. */
interface Module {
  readonly "module_doc"?: Comment;
  readonly symbols: readonly {
    readonly name: string;
    readonly declarations: readonly { readonly kind: string; readonly jsDoc?: Comment }[];
  }[];
}

/** The kinds of declarations that need an example, because users call or construct them. */
const SHOWN_IN_USE = ["function", "class"];

/**
 * Entries whose examples cannot run on Deno alone: they are for Bun, web pages or Workers, or
 * need a broker. tests/docs/check_types.ts type-checks them.
 */
const NOT_RUN = ["./bun", "./browser", "./workers", "./redis", "./nats"];

async function documentation(path: string): Promise<Module> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", path],
    cwd: root,
  }).output();
  const decoder = new TextDecoder();
  assert.ok(success, decoder.decode(stderr));
  const { nodes }: { nodes: Record<string, Module> } = JSON.parse(decoder.decode(stdout));
  const [module] = Object.values(nodes);
  return module!;
}

function examples(comment: Comment | undefined): string[] {
  return (comment?.tags ?? []).filter(({ kind }) => kind === "example").map(({ doc }) => doc ?? "");
}

Deno.test("the documentation of every entry passes the linter", () => {
  for (const path of Object.values(config.exports)) {
    assert.ok(config.tasks["check:docs"].includes(path.replace("./", " ")), path);
  }
});

for (const [entry, path] of Object.entries(config.exports)) {
  Deno.test(`the entry "${entry}" is documented, with an example for each function and class`, async () => {
    const { module_doc: moduleDoc, symbols } = await documentation(join(root, path));
    assert.ok(moduleDoc?.doc, "the module has no description");
    assert.notEqual(examples(moduleDoc).length, 0, "the module has no example");
    const wrong: string[] = [];
    for (const { name, declarations } of symbols) {
      // An overload, or a type with the name of a value, needs no separate documentation.
      const comments = declarations.map(({ jsDoc }) => jsDoc);
      if (!comments.some((comment) => comment?.doc)) wrong.push(`${name} has no description`);
      const shown = declarations.some(({ kind }) => SHOWN_IN_USE.includes(kind));
      const all = comments.flatMap(examples);
      if (shown && all.length === 0) wrong.push(`${name} has no example`);
      const run = all.filter((text) => /^```ts$/m.test(text) || NOT_RUN.includes(entry));
      if (run.length < all.length) wrong.push(`${name} has an example that is not run`);
    }
    assert.deepEqual(wrong, []);
  });
}
