// Installs native packages on first use. Only one participant needs each.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodePath } from "../../tests/support/runtimes.ts";
import { root } from "./runtimes.ts";

const found = new Map<string, string | undefined>();

/**
 * Installs a package into a separate folder.
 *
 * @param specifier The package with its version: `name@1.2.3`.
 * @returns The path of its main module, or `undefined` if it cannot be installed or loaded. The
 * reason is printed once to standard error.
 */
export function nativeModule(specifier: string): string | undefined {
  if (!found.has(specifier)) found.set(specifier, install(specifier));
  return found.get(specifier);
}

function install(specifier: string): string | undefined {
  const folder = join(root, ".build", "bench", specifier.replaceAll(/[^a-z0-9.]/gi, "-"));
  const name = specifier.slice(0, specifier.lastIndexOf("@"));
  const module = join(folder, "node_modules", name);
  try {
    if (!existsSync(module)) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "package.json"), '{"private":true}');
      run("npm", ["install", "--no-audit", "--no-fund", specifier], folder);
    }
    const script = `console.log(require.resolve(${JSON.stringify(name)}));` +
      `require(${JSON.stringify(name)})`;
    return run(nodePath(), ["--eval", script], folder).trim();
  } catch (error) {
    console.error(`Skipping ${specifier}: ${(error as Error).message}`);
    return undefined;
  }
}

function run(command: string, args: string[], cwd: string): string {
  const { success, stdout, stderr } = new Deno.Command(command, { args, cwd }).outputSync();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  const text = decoder.decode(stderr);
  const reason = /^.*GLIBC_.*$/m.exec(text) ?? /^\w*Error: .*$/m.exec(text);
  throw new Error(reason?.[0] ?? text);
}
