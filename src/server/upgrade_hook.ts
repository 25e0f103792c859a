// What the user's hooks of a server give, or throw.

import { checkNames, show } from "../shared/check.ts";
import { checkHandlers, HANDLER_NAMES } from "../connection/handlers.ts";
import type { UpgradeDecision } from "./serve_options.ts";

/** A hook has failed: not the client's fault, whatever was thrown. */
export class HookFailure {
  /** What the hook threw. */
  readonly cause: unknown;

  /** @param cause What the hook threw. */
  constructor(cause: unknown) {
    this.cause = cause;
  }
}

/**
 * Calls a hook.
 *
 * @throws {HookFailure} When it throws.
 */
export function callHook<V>(hook: () => V): V {
  try {
    return hook();
  } catch (cause) {
    throw new HookFailure(cause);
  }
}

const REJECTION_NAMES = ["status", "headers", "body"] as const;
const ACCEPTANCE_NAMES = ["subprotocol", "headers", "data", "handlers", "status"] as const;

/** @throws {TypeError} When an `upgrade` hook returned something that decides nothing. */
export function checkDecision<T>(decision: UpgradeDecision<T> | void): void {
  if (decision === undefined) return;
  const names = [...new Set([...REJECTION_NAMES, ...ACCEPTANCE_NAMES])];
  checkNames("What upgrade returns", decision, names);
  const rejects = decision.status !== undefined;
  const allowed: readonly string[] = rejects ? REJECTION_NAMES : ACCEPTANCE_NAMES;
  for (const [name, value] of Object.entries(decision)) {
    if (value === undefined || allowed.includes(name)) continue;
    throw new TypeError(
      `What upgrade returns ${rejects ? "with" : "without"} a status has no "${name}", got ${
        show(value)
      }`,
    );
  }
  if (decision.status !== undefined || decision.handlers === undefined) return;
  checkNames('What upgrade returns as "handlers"', decision.handlers, HANDLER_NAMES);
  checkHandlers(decision.handlers);
}
