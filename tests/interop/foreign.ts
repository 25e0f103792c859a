// Programs in other languages and a browser, and how to install or build them.

import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { missing } from "../support/need.ts";
import { runtimeCommand } from "../support/runtimes.ts";
import type { Program } from "./processes.ts";

/** The version to install. */
export const PYTHON_WEBSOCKETS = "17.4";

const build = fileURLToPath(new URL("../../.build", import.meta.url));
const programs = fileURLToPath(new URL("programs", import.meta.url));

const environment = join(build, `python-websockets-${PYTHON_WEBSOCKETS}`);
/** The path of a Python with `websockets`, once it is installed. */
export const pythonPath: string = join(environment, "bin", "python");
const goProgramPath = join(build, "interop-go");

/** Install or build each need. They return the reason if that fails. */
const preparations = { python3: once(makePython), go: once(buildGo) };

/** Prepares programs. Returns the reason if that fails. */
export async function unavailableReason(...programs: Program[]): Promise<string | undefined> {
  for (const { needs } of programs) {
    if (needs === undefined) continue;
    const isBuilt = needs === "python3" || needs === "go";
    const reason = isBuilt ? await preparations[needs]() : missing(needs);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** Python `websockets`. */
export function pythonProgram(name: string, role: "server" | "client"): Program {
  const script = join(programs, "python", "echo.py");
  return {
    name,
    needs: "python3",
    command: (...args) => ({ command: pythonPath, args: [script, role, ...args] }),
  };
}

/** A program with a WebSocket library for Go. */
export function goProgram(
  name: string,
  library: "gorilla" | "quickws",
  role: "server" | "client",
): Program {
  return {
    name,
    needs: "go",
    command: (...args) => ({ command: goProgramPath, args: [library, role, ...args] }),
  };
}

/** A page in Chromium, controlled from Node. */
export function chromiumProgram(name: string): Program {
  const module = join(programs, "client_chromium.ts");
  return {
    name,
    needs: "chromium",
    command: (...args) => runtimeCommand("node", module, ...args),
  };
}

/** Calls an async function only the first time. Returns its error message. */
function once(prepare: () => Promise<void>): () => Promise<string | undefined> {
  let result: Promise<string | undefined> | undefined;
  return () => result ??= prepare().then(() => undefined, (error: Error) => error.message);
}

/** Creates a virtual environment with `websockets`. */
async function makePython(): Promise<void> {
  const made = join(environment, "made");
  if (existsSync(made)) return;
  const need = "Python 3.10 or later, with venv and pip";
  await run(need, "python3", ["-m", "venv", "--clear", environment]);
  const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  await run(need, pythonPath, [...install, `websockets==${PYTHON_WEBSOCKETS}`]);
  mkdirSync(made);
}

/** Builds the Go program. Go caches builds, so this is fast if nothing has changed. */
async function buildGo(): Promise<void> {
  // Replaces the file atomically, because another test run may be starting it.
  const temporary = `${goProgramPath}.${Deno.pid}`;
  await run("Go 1.21 or later", "go", ["build", "-mod=readonly", "-o", temporary, "."], {
    cwd: join(programs, "go"),
    env: { CGO_ENABLED: "0", GOFLAGS: "" },
  });
  renameSync(temporary, goProgramPath);
}

/** @throws {Error} If the command cannot be run or fails. */
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
    problem = new TextDecoder().decode(stderr).trim().split("\n").at(-1)!;
  } catch (error) {
    problem = String(error);
  }
  throw new Error(`install ${need} (${problem})`);
}
