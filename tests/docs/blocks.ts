// Finds the code blocks of the documentation and the runtimes that run them.
//
// The words after the language of a fence name runtimes: ```ts deno bun. A block without a runtime
// runs on all three. The other words name services and hosts: the programs that a block needs,
// or that run it.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../project/source_files.ts";
import { type RuntimeName, runtimeNames } from "../support/runtimes.ts";

/** Programs that a block connects to. */
export const services = ["redis", "nats", "proxies"] as const;

/** Hosts that run a block instead of a separate program. */
export const hosts = ["page", "worker", "vite", "next", "fresh", "preload"] as const;

/** A code block. */
export interface Block {
  readonly page: string;
  readonly line: number;
  readonly code: string;
  readonly runtimes: readonly RuntimeName[];
  /** The services that the block connects to, and its host. */
  readonly needs: readonly string[];
}

/** Returns the paths of the user documentation, relative to the repository. */
export function markdownFiles(): string[] {
  const files = ["README.md", "README.zh-CN.md", "SECURITY.md"];
  for (const folder of ["docs", "docs/guide", "docs/start"]) {
    for (const name of readdirSync(join(root, folder))) {
      if (name.endsWith(".md")) files.push(join(folder, name));
    }
  }
  return files;
}

/** Returns the TypeScript and JavaScript blocks of a page. */
export function blocksOf(page: string): Block[] {
  const text = readFileSync(join(root, page), "utf8");
  const found: Block[] = [];
  for (const match of text.matchAll(/^```(?:ts|js)( [^\n]*)?\n([^]*?)^```$/gm)) {
    const words = (match[1] ?? "").trim().split(/\s+/).filter((word) => word !== "");
    const line = text.slice(0, match.index).split("\n").length;
    const runtimes = runtimeNames.filter((runtime) => words.includes(runtime));
    const needs = words.filter((word) => !runtimeNames.includes(word as RuntimeName));
    const known: readonly string[] = [...services, ...hosts];
    assert.deepEqual(needs.filter((word) => !known.includes(word)), [], `${page}:${line}`);
    found.push({
      page,
      line,
      code: match[2]!,
      runtimes: runtimes.length === 0 ? runtimeNames : runtimes,
      needs,
    });
  }
  return found;
}

/** Returns all blocks that need this host. */
export function blocksIn(host: typeof hosts[number]): Block[] {
  return markdownFiles().flatMap(blocksOf).filter(({ needs }) => needs.includes(host));
}

/** Returns a pattern for each line of output in a block's comments. "..." matches anything. */
export function expectedLines(code: string): RegExp[] {
  return [...code.matchAll(/console\.log\(.*\);?\s*\/\/ (.+)$/gm)].map(([, text]) => {
    const parts = text!.trim().split("...").map((part) =>
      part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")
    );
    return new RegExp(`^${parts.join(".*")}$`, "m");
  });
}
