// Programs that the tests need and that come as packages of Debian.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** Where a program is, also if that is where only root looks. */
export function programPath(program: string): string | undefined {
  const places = [...(process.env.PATH ?? "").split(":"), "/usr/bin", "/usr/sbin"];
  return places.map((place) => join(place, program)).find((path) => existsSync(path));
}

/**
 * Installs the packages of the programs that are missing, which only root can do.
 *
 * @param packages The package of each program.
 * @throws {Error} When that is not possible; the message tells what to do.
 */
export function installPrograms(packages: Readonly<Record<string, string>>): void {
  const missing = missingOf(packages);
  if (missing.length === 0) return;
  for (const args of [["update"], ["install", "--yes", "--no-install-recommends", ...missing]]) {
    const { error, status, stderr } = spawnSync("apt-get", args, {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      encoding: "utf8",
    });
    if (status !== 0) {
      throw new Error(
        `The tests need the Debian packages ${missing.join(" ")}: install them, or run the tests ` +
          `as root where there is apt-get\n${error?.message ?? stderr}`,
      );
    }
  }
  const still = missingOf(packages);
  if (still.length > 0) throw new Error(`apt-get did not install ${still.join(" ")}`);
}

function missingOf(packages: Readonly<Record<string, string>>): string[] {
  return Object.entries(packages)
    .filter(([program]) => programPath(program) === undefined)
    .map(([, name]) => name);
}
