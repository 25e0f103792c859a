// Bar charts: panels with the same rows. Each panel has a linear scale from zero.

import { MARGIN, plot, type Role, round, text, WIDTH } from "./svg.ts";

/** One row of bars. */
export interface Row {
  label: string;
  role: Role;
  /** Starts a new group, with a gap before it. */
  begins: boolean;
}

/** A panel: a title, and the value of each row if it was measured. */
export interface Panel {
  title: string;
  values: (number | undefined)[];
  show(value: number): string;
}

const LABELS = 128;
const TOP = 78;
const ROW = 20;
const GAP = 10;
const BAR = 13;
/** Space for the number after the longest bar. */
const NUMBER = 52;
const BETWEEN = 20;
const BETWEEN_BANDS = 44;

/** Draws panels, at most `columns` in a row. */
export function bars(
  title: string,
  rows: Row[],
  panels: Panel[],
  caption: string,
  columns = panels.length,
): string {
  const body: string[] = [];
  let top = TOP;
  for (let first = 0; first < panels.length; first += columns) {
    const band = drawBand(rows, panels.slice(first, first + columns), columns, top);
    body.push(...band.body);
    top = band.bottom + BETWEEN_BANDS;
  }
  return plot(title, top - BETWEEN_BANDS + 8, body, caption);
}

function drawBand(
  rows: Row[],
  panels: Panel[],
  columns: number,
  top: number,
): { body: string[]; bottom: number } {
  const width = (WIDTH - MARGIN * 2 - LABELS - BETWEEN * (columns - 1)) / columns;
  const places: number[] = [];
  let at = top;
  for (const row of rows) {
    if (row.begins && places.length > 0) at += GAP;
    places.push(at);
    at += ROW;
  }
  const body = rows.map(({ label, role }, index) =>
    text(MARGIN + LABELS - 10, places[index]! + 11, label, role === "own" ? "end bold" : "end")
  );
  for (const [index, { title, values, show }] of panels.entries()) {
    const left = MARGIN + LABELS + index * (width + BETWEEN);
    const most = Math.max(...values.map((value) => value ?? 0));
    const scale = (width - NUMBER) / most;
    body.push(text(left, top - 14, title, "panel"));
    body.push(`<path class="grid" d="M${round(left)} ${top - 4}V${at - 2}"/>`);
    for (const [row, value] of values.entries()) {
      const y = places[row]!;
      if (value === undefined) {
        body.push(text(left + 6, y + 11, "not measured", "dim"));
        continue;
      }
      const length = Math.max(1, value * scale);
      body.push(
        `<rect class="${rows[row]!.role}" x="${round(left)}" y="${y}" ` +
          `width="${round(length)}" height="${BAR}" rx="2"/>`,
        text(left + length + 6, y + 11, show(value), rows[row]!.role === "own" ? "bold" : "dim"),
      );
    }
  }
  return { body, bottom: at };
}
