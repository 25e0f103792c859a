/* ... */
import { BitOutput } from "./bit_output.ts";
import { writeBlock } from "./block_writer.ts";
import type { DeflateContext } from "./deflate_context.ts";
import { deflateFixed } from "./deflate_fixed.ts";
import { findTokens } from "./find_tokens.ts";
import { FIXED_LITERAL_WORDS } from "./huffman_encode.ts";
import { type PositionTable, SharedPositionTable } from "./position_table.ts";
import { END_OF_BLOCK, FIXED_BLOCK } from "./tables.ts";
import { PIECE, TextBuffer } from "./text_buffer.ts";
import { TokenBlock } from "./token_block.ts";

export type DeflateLevel = "fast" | "best";
export interface DeflateOptions {
  level: DeflateLevel;
  windowBits: number;
  context?: DeflateContext;
}

class Workspace {
  readonly text = new TextBuffer();
  readonly output = new BitOutput(PIECE + (PIECE >>> 3) + 16);
  readonly near = new SharedPositionTable();
}
class TokenWorkspace {
  readonly far = new SharedPositionTable();
  readonly block = new TokenBlock();
}
let workspace: Workspace | undefined;
let tokenWorkspace: TokenWorkspace | undefined;
const NO_BYTES = new Uint8Array(0);

export function deflate(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  offset: number,
  options: DeflateOptions,
): number {
  workspace ??= new Workspace();
  const { text, output } = workspace;
  const { level, context } = options;
  const reach = 1 << options.windowBits;
  const length = end - start;
  const room = offset + length;
  output.open();
  let near: PositionTable;
  if (context === undefined) {
    text.open(NO_BYTES, 0);
    workspace.near.begin(0, length);
    near = workspace.near;
  } else {
    text.open(context.history, context.length);
    near = context.begin();
  }
  const fast = level === "fast";
  if (fast) {
    output.put(FIXED_BLOCK << 1, 3);
  } else {
    tokenWorkspace ??= new TokenWorkspace();
    tokenWorkspace.far.begin(text.end, length);
  }
  for (let from = start; from < end; from += PIECE) {
    const to = end - from < PIECE ? end : from + PIECE;
    const moved = text.append(source, from, to);
    if (moved > 0) near.move(moved);
    if (fast) {
      deflateFixed(text, output, near, reach);
    } else {
      const { far, block } = tokenWorkspace!;
      if (moved > 0) far.move(moved);
      let at = text.start;
      while (at < text.end) {
        const blockStart = at;
        block.open();
        at = findTokens(block, text, at, near, far, reach);
        writeBlock(output, block, text.bytes, blockStart, at);
      }
    }
    if (offset + output.position >= room) return -1;
    if (to < end) { const p = output.position; output.take(target, offset); offset += p; }
  }
  if (fast) {
    const w = FIXED_LITERAL_WORDS[END_OF_BLOCK];
    output.put(w >>> 4, w & 15);
  }
  output.put(0, 3);
  output.alignToByte();
  if (offset + output.position >= room) return -1;
  const p = output.position;
  output.take(target, offset);
  if (context !== undefined) context.remember(text.bytes, text.end, length);
  return offset + p;
}
