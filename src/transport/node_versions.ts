// The oldest supported versions of the runtimes, as in `engines` of the npm packages. On older
// versions an upgrade of `node:http` silently hangs.

/** The first supported version as major and minor number, by key of `process.versions`. */
export const OLDEST_VERSIONS: Readonly<Record<string, readonly [major: number, minor: number]>> = {
  bun: [1, 4],
  deno: [2, 3],
  node: [20, 0],
};

const NAMES: Readonly<Record<string, string>> = { bun: "Bun", deno: "Deno", node: "Node.js" };

/** The type of `process.versions`. */
export type RuntimeVersions = Readonly<Record<string, string | undefined>>;

let checked = false;

/**
 * Rejects unsupported runtime versions.
 *
 * @param versions Default: those of this process, checked once.
 * @throws {Error} When the version is too old; the message has the actual and the required version.
 */
export function checkRuntime(versions?: RuntimeVersions): void {
  if (versions === undefined) {
    if (checked) return;
    const { process } = globalThis as { process?: { versions?: RuntimeVersions } };
    checkRuntime(process?.versions ?? {});
    checked = true;
    return;
  }
  // Bun and Deno also report a compatible version of Node.
  const runtime = Object.keys(OLDEST_VERSIONS).find((name) => versions[name] !== undefined);
  if (runtime === undefined) return;
  const version = versions[runtime]!;
  const [major = 0, minor = 0] = version.split(".").map((part) => parseInt(part, 10));
  const [oldestMajor, oldestMinor] = OLDEST_VERSIONS[runtime]!;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  const needed = `${NAMES[runtime]} ${oldestMajor}.${oldestMinor}`;
  throw new Error(`${NAMES[runtime]} ${version} is too old: install ${needed} or later`);
}
