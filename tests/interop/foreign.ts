// Programs in other languages and a browser, and what they need: what is missing is an error, never a
// reason to test less.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installChromium } from "../support/chromium.ts";
import { runtimeCommand } from "../support/runtimes.ts";
import type { Program } from "./processes.ts";

const PYTHON_WEBSOCKETS = "17.4";

const build = fileURLToPath(new URL("../../.build", import.meta.url));
const programs = fileURLToPath(new URL("programs", import.meta.url));

let python: string | undefined;
let gorilla: string | undefined;

/** Python `websockets`, in an environment of its own. */
export function pythonProgram(name: string, ...first: string[]): Program {
  return {
    name,
    command(...args) {
      const script = join(programs, "python", "echo.py");
      return { command: python ??= makePython(), args: [script, ...first, ...args] };
    },
  };
}

/** A page in Chromium, which is driven from Node. */
export function chromiumProgram(name: string): Program {
  return {
    name,
    command(...args) {
      installChromium();
      return runtimeCommand("node", join(programs, "client_chromium.ts"), ...args);
    },
  };
}

/** gorilla/websocket, in Go. */
export function gorillaProgram(name: string, ...first: string[]): Program {
  return {
    name,
    command: (...args) => ({ command: gorilla ??= buildGorilla(), args: [...first, ...args] }),
  };
}

function makePython(): string {
  const directory = join(build, `python-websockets-${PYTHON_WEBSOCKETS}`);
  const bin = Deno.build.os === "windows" ? "Scripts" : "bin";
  const made = join(directory, "made");
  const command = join(directory, bin, "python");
  if (!existsSync(made)) {
    const need = "Python 3.10 or later, with venv and pip";
    run(need, "python3", ["-m", "venv", "--clear", directory]);
    const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(need, command, [...install, `websockets==${PYTHON_WEBSOCKETS}`]);
    mkdirSync(made);
  }
  return command;
}

function buildGorilla(): string {
  const directory = Deno.makeTempDirSync();
  globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
  const output = join(directory, "gorilla");
  const options = { cwd: join(programs, "gorilla"), env: { CGO_ENABLED: "0", GOFLAGS: "" } };
  run("Go 1.21 or later", "go", ["build", "-mod=readonly", "-o", output, "."], options);
  return output;
}

/** @throws {Error} When it cannot be run or fails. */
function run(
  need: string,
  command: string,
  args: string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): void {
  let problem: string;
  try {
    const { success, stderr } = new Deno.Command(command, { args, ...options }).outputSync();
    if (success) return;
    problem = new TextDecoder().decode(stderr);
  } catch (error) {
    problem = String(error);
  }
  throw new Error(`${need} is needed to test the library with its WebSockets: ${problem}`);
}
