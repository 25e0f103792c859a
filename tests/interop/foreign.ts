// Programs in other languages and a browser, and what they need: what is missing is an error, never a
// reason to test less.

import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installChromium } from "../support/chromium.ts";
import { installProxyPrograms } from "../support/proxy_programs.ts";
import { runtimeCommand } from "../support/runtimes.ts";
import type { Program } from "./processes.ts";

/** The version that is installed. */
export const PYTHON_WEBSOCKETS = "17.4";

const build = fileURLToPath(new URL("../../.build", import.meta.url));
const programs = fileURLToPath(new URL("programs", import.meta.url));

const environment = join(build, `python-websockets-${PYTHON_WEBSOCKETS}`);
/** Python with `websockets`, once it is prepared. */
export const pythonPath: string = join(environment, "bin", "python");
const goProgramPath = join(build, "interop-go");

/** Installs and builds what the programs here need, all at once. */
export async function prepare(): Promise<void> {
  const building = [makePython(), buildGo()];
  // Blocks this process, and not what has begun.
  installChromium();
  installProxyPrograms();
  await Promise.all(building);
}

/** Python `websockets`. */
export function pythonProgram(name: string, role: "server" | "client"): Program {
  const script = join(programs, "python", "echo.py");
  return { name, command: (...args) => ({ command: pythonPath, args: [script, role, ...args] }) };
}

/** A WebSocket library for Go. */
export function goProgram(
  name: string,
  library: "gorilla" | "quickws",
  role: "server" | "client",
): Program {
  return {
    name,
    command: (...args) => ({ command: goProgramPath, args: [library, role, ...args] }),
  };
}

/** A page in Chromium, which is driven from Node. */
export function chromiumProgram(name: string): Program {
  const module = join(programs, "client_chromium.ts");
  return { name, command: (...args) => runtimeCommand("node", module, ...args) };
}

/** An environment of its own. */
async function makePython(): Promise<void> {
  const made = join(environment, "made");
  if (existsSync(made)) return;
  const need = "Python 3.10 or later, with venv and pip";
  await run(need, "python3", ["-m", "venv", "--clear", environment]);
  const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  await run(need, pythonPath, [...install, `websockets==${PYTHON_WEBSOCKETS}`]);
  mkdirSync(made);
}

/** Quick when nothing has changed: Go remembers what it has built. */
async function buildGo(): Promise<void> {
  // Whole or not at all: another test run may be starting the same file.
  const temporary = `${goProgramPath}.${Deno.pid}`;
  await run("Go 1.21 or later", "go", ["build", "-mod=readonly", "-o", temporary, "."], {
    cwd: join(programs, "go"),
    env: { CGO_ENABLED: "0", GOFLAGS: "" },
  });
  renameSync(temporary, goProgramPath);
}

/** @throws {Error} When it cannot be run or fails. */
async function run(
  need: string,
  command: string,
  args: string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<void> {
  let problem: string;
  try {
    const { success, stderr } = await new Deno.Command(command, { args, ...options }).output();
    if (success) return;
    problem = new TextDecoder().decode(stderr);
  } catch (error) {
    problem = String(error);
  }
  throw new Error(`${need} is needed to test the library with its WebSockets: ${problem}`);
}
