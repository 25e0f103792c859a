// Line plots with a logarithmic x axis and a linear y axis from zero.

import { MARGIN, plot, round, text, WIDTH } from "./svg.ts";

/** One line. */
export interface Line {
  label: string;
  color: "own" | "second" | "third" | "peer" | "raw";
  dashed?: boolean;
  points: { x: number; y: number }[];
}

const LEFT = MARGIN + 36;
const RIGHT = 150;
const TOP = 78;
const HEIGHT = 260;
const LABEL_HEIGHT = 15;
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/** Draws lines, each labeled at its end. */
export function lines(
  title: string,
  axes: { x: string; y: string },
  all: Line[],
  caption: string,
): string {
  const xs = [...new Set(all.flatMap(({ points }) => points.map(({ x }) => x)))]
    .toSorted((a, b) => a - b);
  const most = Math.max(...all.flatMap(({ points }) => points.map(({ y }) => y)));
  const width = WIDTH - LEFT - RIGHT;
  const place = (x: number): number =>
    LEFT + width * Math.log(x / xs[0]!) / Math.log(xs.at(-1)! / xs[0]!);
  const level = (y: number): number => TOP + HEIGHT * (1 - y / most);
  const step = STEPS.find((step) => most / step <= 6) ?? most;
  const body = [text(MARGIN, TOP - 18, axes.y, "dim")];
  for (let y = 0; y <= most; y += step) {
    body.push(`<path class="grid" d="M${LEFT} ${round(level(y))}H${LEFT + width}"/>`);
    body.push(text(LEFT - 8, level(y) + 4, String(y), "end dim"));
  }
  let lastLabel = Infinity;
  for (const x of xs.toReversed()) {
    // Omit labels that would overlap.
    if (lastLabel - place(x) < 50) continue;
    lastLabel = place(x);
    body.push(text(place(x), TOP + HEIGHT + 18, x.toLocaleString("en"), "middle dim"));
  }
  body.push(text(LEFT + width / 2, TOP + HEIGHT + 36, axes.x, "middle dim"));
  let labelAt = Infinity;
  const fromBelow = all.toSorted((a, b) => a.points.at(-1)!.y - b.points.at(-1)!.y);
  for (const { label, color, dashed, points } of fromBelow) {
    const path = points.map(({ x, y }, index) =>
      `${index === 0 ? "M" : "L"}${round(place(x))} ${round(level(y))}`
    ).join("");
    const style = `stroke:var(--${color})${dashed ? ";stroke-dasharray:5 4" : ""}`;
    body.push(`<path class="line" style="${style}" d="${path}"/>`);
    const last = points.at(-1)!;
    labelAt = Math.min(level(last.y) + 4, labelAt - LABEL_HEIGHT);
    body.push(
      `<text x="${LEFT + width + 10}" y="${
        round(labelAt)
      }" style="fill:var(--${color})">${label}</text>`,
    );
  }
  return plot(title, TOP + HEIGHT + 52, body, caption);
}
