// The stored results of `deno task bench scaling`.

import type { Conditions } from "./conditions.ts";
import type { CoresOutcome } from "./shared_port.ts";
import type { FigureName } from "./figures.ts";
import type { Million } from "./million.ts";

/** The results at one value of a scale. */
export interface Point {
  value: number;
  /** Figures by participant. */
  figures: Record<string, Partial<Record<FigureName, number>>>;
}

/** All data of the report. */
export interface Scaling {
  /** The conditions of each part. */
  conditions: Record<string, Conditions>;
  points: Record<string, Point[]>;
  cores: CoresOutcome[];
  /** The results with a million idle connections. */
  million: Million[];
  /** Bytes of kernel memory for one end of an idle connection. */
  kernel: number;
}
