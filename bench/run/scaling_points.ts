// What was measured of how cost grows.

import type { Conditions } from "./conditions.ts";
import type { CoresOutcome } from "./cores.ts";
import type { FigureName } from "./figures.ts";
import type { Million } from "./million.ts";

/** What was measured at one value of a scale. */
export interface Point {
  value: number;
  /** Figures by participant. */
  figures: Record<string, Partial<Record<FigureName, number>>>;
}

/** All that the report is made of. */
export interface Scaling {
  /** When and how each part was measured. */
  conditions: Record<string, Conditions>;
  points: Record<string, Point[]>;
  cores: CoresOutcome[];
  /** What a million idle connections took. */
  million: Million[];
  /** Bytes of kernel memory for one end of an idle connection. */
  kernel: number;
}
