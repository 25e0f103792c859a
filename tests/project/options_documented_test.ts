// Checks that docs/guide/options.md documents every option.

import assert from "node:assert/strict";
import ts from "typescript";
import { readSource, visit } from "./source_files.ts";

/** The options interfaces, by file. */
const INTERFACES: Record<string, string> = {
  ConnectionOptions: "src/connection/connection_options.ts",
  ConnectOptions: "src/client/connect_options.ts",
  ServeOptions: "src/server/serve_options.ts",
  ClientTopicsOptions: "src/pubsub/client_topics.ts",
  CompressionOptions: "src/connection/compression_options.ts",
  Handlers: "src/connection/handlers.ts",
  ReconnectingConnectOptions: "src/reconnect/connect.ts",
  ReconnectingHandlers: "src/reconnect/options.ts",
  ReconnectOptions: "src/reconnect/options.ts",
  SendOptions: "src/connection/arguments.ts",
  StreamOptions: "src/connection/arguments.ts",
  FragmentOptions: "src/connection/arguments.ts",
  BroadcastOptions: "src/server/connection_group.ts",
  ShutdownOptions: "src/server/shutdown.ts",
};

/** Returns the names of an interface's members, except inherited ones. */
function membersOf(name: string, path: string): string[] {
  const members: string[] = [];
  const { tree } = readSource(path);
  visit(tree, (node) => {
    if (!ts.isInterfaceDeclaration(node) || node.name.text !== name) return;
    members.push(...node.members.map((member) => member.name!.getText(tree)));
  });
  return members;
}

Deno.test("docs/guide/options.md has a table row for every option", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/guide/options.md", import.meta.url));
  const cells = [...page.matchAll(/^\|([^|]*)\|([^|]*)\|/gm)].flatMap(([, ...cells]) => cells);
  const documented = new Set(
    cells.flatMap((cell) => [...cell!.matchAll(/`([A-Za-z0-9]+)`/g)].map(([, name]) => name)),
  );
  for (const [name, path] of Object.entries(INTERFACES)) {
    const members = membersOf(name, path);
    assert.ok(members.length > 0, `${name} has no members`);
    assert.deepEqual(members.filter((member) => !documented.has(member)), [], `of ${name}`);
  }
});
