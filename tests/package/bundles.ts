// Bundles the main entry for web pages with common bundlers. Checks the size of the bundles, with
// and without all features.

import assert from "node:assert/strict";
import { join } from "node:path";
import { root } from "../project/source_files.ts";
import { printed } from "./run.ts";

/** The maximum gzipped bytes that a page loads before it can connect, including its own program. */
const MAX_PLAIN = 4096;
/** The limit for webpack, which includes its chunk loader. */
const MAX_PLAIN_WITH_LOADER = 5440;
/** The maximum gzipped bytes of a single file with reconnection and subscriptions. */
const MAX_ALL = 12_288;

/** The result of a bundler. Sizes are gzipped. */
interface Bundle {
  readonly bundler: string;
  readonly program: "plain" | "all";
  /** Bytes loaded initially. */
  readonly initial: number;
  /** Bytes loaded initially and on demand. */
  readonly total: number;
  /** Whether the bundle is a single file. */
  readonly isOneFile: boolean;
  readonly nodeModules: readonly string[];
  readonly hasServer: boolean;
}

const PROGRAMS = {
  plain: `
    import { connect } from "@quickws/quickws";
    const conn = await connect("/live", { message: (_, data) => console.log(data) });
    conn.send("hello");
  `,
  all: `
    import { connect } from "@quickws/quickws";
    const conn = await connect("/live", { reconnect: { topics: true } });
    await conn.subscribe("news", { message: (data) => console.log(data) });
    for await (const data of conn) console.log(data);
  `,
};

/** Bundles programs in a project that has the package installed, and tests the results. */
export function testBundles(project: string): void {
  Deno.test("a bundle for a page is small and contains no server code", async () => {
    for (const [name, text] of Object.entries(PROGRAMS)) {
      await Deno.writeTextFile(join(project, `page_${name}.js`), text);
    }
    const script = join(root, "tests", "package", "make_bundles.mjs");
    const bundles: Bundle[] = JSON.parse(await printed(project, "node", script));
    const bun = join(root, "node_modules", ".bin", "bun");
    for (const program of ["plain", "all"]) {
      const out = join(project, `bun-${program}`);
      const entry = `page_${program}.js`;
      await printed(
        project,
        bun,
        "build",
        entry,
        "--target",
        "browser",
        "--minify",
        "--outdir",
        out,
      );
      const text = await Deno.readTextFile(join(out, entry));
      assert.doesNotMatch(text, /["']node:/, "bun build");
      assert.match(text, /CONNECT_FAILED/, "bun build");
    }
    assert.deepEqual([...new Set(bundles.map(({ bundler }) => bundler))].sort(), [
      "esbuild",
      "esbuild, one file",
      "rollup",
      "vite",
      "webpack",
    ]);
    for (const { bundler, program, initial, total, isOneFile, ...found } of bundles) {
      console.log(`${program}, ${bundler}: ${initial} bytes initially, ${total} in total`);
      assert.deepEqual(found, { nodeModules: [], hasServer: false }, bundler);
      if (isOneFile) assert.ok(total <= MAX_ALL, `${bundler}: ${total} bytes in one file`);
      const max = bundler === "webpack" ? MAX_PLAIN_WITH_LOADER : MAX_PLAIN;
      if (program === "plain" && !isOneFile) {
        assert.ok(initial <= max, `${bundler}: ${initial} bytes initially`);
      }
    }
  });
}
