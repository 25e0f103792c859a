// Lists all measured choices.

import { threshold } from "./compression.ts";
import { copying } from "./copy.ts";
import { beginning, growing } from "./gather.ts";
import { masking, maskingFrames, maskingInOneChunk, maskingLarge } from "./mask.ts";
import { drawing } from "./random.ts";
import { checking, decoding, decodingShort, encoding, encodingShort, longText } from "./text.ts";
import { viewing } from "./view.ts";
import type { Choice } from "./compare.ts";

/** One choice for each tuned constant of `src`. */
export const CHOICES: readonly Choice[] = [
  masking,
  maskingInOneChunk,
  maskingLarge,
  maskingFrames,
  copying,
  viewing,
  checking,
  decoding,
  decodingShort,
  encoding,
  encodingShort,
  longText,
  beginning,
  growing,
  drawing,
  threshold,
];
