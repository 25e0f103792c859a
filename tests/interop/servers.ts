// Server processes that all clients share, and that run until the end of the tests.

import {
  COMPRESSION_MODES,
  type CompressionMode,
  type Conversation,
  type ExpectedExtensions,
} from "./conversation.ts";
import { type Program, RunningProgram } from "./processes.ts";

/** The modes that a peer supports. */
export function modesOf(agreed: ExpectedExtensions): CompressionMode[] {
  return COMPRESSION_MODES.filter((mode) => agreed[mode] !== undefined);
}

/** Reads the ports that a server prints, one per mode. */
export async function portsOf(
  server: RunningProgram,
  modes: readonly CompressionMode[],
): Promise<Map<CompressionMode, string>> {
  const ports = new Map<CompressionMode, string>();
  for (const mode of modes) ports.set(mode, await server.line());
  return ports;
}

/** Creates the conversations with a server, one per mode. */
export function conversationsWith(
  peer: string,
  agreed: ExpectedExtensions,
  modes: readonly CompressionMode[],
  ports: ReadonlyMap<CompressionMode, string>,
): Conversation[] {
  return modes.map((mode) => ({
    peer,
    mode,
    url: `ws://127.0.0.1:${ports.get(mode)}/`,
    agreed: agreed[mode]!,
  }));
}

/** Echo servers that are started on first use. */
export class EchoServers {
  readonly #started = new Map<string, Promise<Map<CompressionMode, string>>>();
  readonly #processes: RunningProgram[] = [];

  /** Returns the ports of a server. `modes` must be the same in each call. */
  portsOf(
    server: Program,
    modes: readonly CompressionMode[],
  ): Promise<Map<CompressionMode, string>> {
    let ports = this.#started.get(server.name);
    if (ports === undefined) {
      const process = new RunningProgram(server, ...modes);
      this.#processes.push(process);
      this.#started.set(server.name, ports = portsOf(process, modes));
    }
    return ports;
  }

  /** Stops all servers. */
  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop()));
  }
}
