// Finds the programs that tests need. As root, it installs a missing program from its Debian
// package with apt-get. If that is not possible, the tests that need the program are skipped, with
// the reason in their names; if `CI` is set, they fail instead. Tests are skipped only here.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** The Debian package of each program. */
const PACKAGES = {
  caddy: "caddy",
  chromium: "chromium",
  "firefox-esr": "firefox-esr",
  haproxy: "haproxy",
  microsocks: "microsocks",
  "nats-server": "nats-server",
  nginx: "nginx",
  "redis-server": "redis-server",
  stunnel4: "stunnel4",
  tinyproxy: "tinyproxy-bin",
};

/** A program from a Debian package. */
export type ProgramName = keyof typeof PACKAGES;

/** Registers a test, as `Deno.test` does. */
export type RegisterTest = (
  name: string,
  fn: (t: Deno.TestContext) => void | Promise<void>,
  options?: Omit<Deno.TestDefinition, "name" | "fn" | "ignore">,
) => void;

/** Why each program cannot be used; `undefined` if it can. */
const reasons = new Map<ProgramName, string | undefined>();

/**
 * Returns the path of a program. Also searches the directories that only root's `PATH` contains.
 */
export function programPath(program: string): string | undefined {
  const places = [...(process.env.PATH ?? "").split(":"), "/usr/bin", "/usr/sbin"];
  return places.map((place) => join(place, program)).find((path) => existsSync(path));
}

/**
 * Installs missing programs, if possible.
 *
 * @returns Why the programs cannot be used; `undefined` if they can.
 */
export function missing(...programs: ProgramName[]): string | undefined {
  const unknown = programs.filter((program) => !reasons.has(program));
  const failure = install(unknown.filter((program) => programPath(program) === undefined));
  for (const program of unknown) {
    const isThere = programPath(program) !== undefined;
    reasons.set(program, isThere ? undefined : `${program} is not installed: ${failure}`);
  }
  return programs.map((program) => reasons.get(program)).find((reason) => reason !== undefined);
}

/**
 * Like {@linkcode missing}, for use outside of tests.
 *
 * @throws {Error} If a program is unavailable. The message contains the reason.
 */
export function requirePrograms(...programs: ProgramName[]): void {
  const reason = missing(...programs);
  if (reason !== undefined) throw new Error(reason);
}

/** Returns a function that registers tests, or skips them if one of the programs is unavailable. */
export function need(...programs: ProgramName[]): RegisterTest {
  return testUnless(missing(...programs));
}

/** Returns a function that registers tests, or skips them if there is a reason to. */
export function testUnless(reason: string | undefined): RegisterTest {
  return (name, fn, options) => {
    if (reason === undefined) {
      Deno.test({ ...options, name, fn });
    } else if (process.env.CI) {
      Deno.test(name, () => {
        throw new Error(`Tests must not be skipped when CI is set: ${reason}`);
      });
    } else {
      Deno.test({ name: `${name} (skipped: ${reason})`, ignore: true, fn });
    }
  };
}

/** Installs programs. Returns the reason if that fails. */
function install(programs: ProgramName[]): string | undefined {
  if (programs.length === 0) return undefined;
  const packages = programs.map((program) => PACKAGES[program]).join(" ");
  const cure = `install the Debian packages ${packages}`;
  if (process.getuid?.() !== 0) return `${cure}, or run the tests as root`;
  for (const args of [["update"], ["install", "--yes", "--no-install-recommends"]]) {
    const isInstall = args[0] === "install";
    // Groups of tests run in parallel, but only one process can hold the lock of dpkg.
    const { error, status, stderr } = spawnSync(
      "apt-get",
      ["-o", "DPkg::Lock::Timeout=300", ...args, ...(isInstall ? packages.split(" ") : [])],
      { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" }, encoding: "utf8" },
    );
    if (status === 0) continue;
    const [line] = (error?.message ?? stderr).trim().split("\n");
    return `${cure} (apt-get ${args[0]}: ${line})`;
  }
  return cure;
}
