// SVG plots: text, colors for light and dark mode, and a caption.

/** The kind of participant, which determines the color. */
export type Role = "own" | "raw" | "peer";

export const WIDTH = 760;
export const MARGIN = 24;
/** The maximum number of characters in a line of the caption. */
const CAPTION_COLUMNS = 118;
const CAPTION_LINE = 15;

const STYLE = `
  :root { --back: #ffffff; --text: #1f2328; --dim: #59636e; --grid: #d8dee4;
    --own: #0969da; --raw: #afb8c1; --peer: #bc8f5c; --second: #1a7f37; --third: #8250df; }
  @media (prefers-color-scheme: dark) {
    :root { --back: #0d1117; --text: #e6edf3; --dim: #9198a1; --grid: #30363d;
      --own: #4493f8; --raw: #6e7681; --peer: #c69a68; --second: #3fb950; --third: #ab7df8; }
  }
  text { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: var(--text); }
  .back { fill: var(--back); }
  .title { font-size: 16px; font-weight: 600; }
  .panel { font-weight: 600; }
  .dim, .caption { fill: var(--dim); }
  .caption { font-size: 11px; }
  .bold { font-weight: 600; }
  .end { text-anchor: end; }
  .middle { text-anchor: middle; }
  .grid { stroke: var(--grid); }
  .own { fill: var(--own); }
  .raw { fill: var(--raw); }
  .peer { fill: var(--peer); }
  .line { fill: none; stroke-width: 2; stroke-linejoin: round; }`;

/** Escapes text for use in SVG. */
export function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Returns a text element. */
export function text(x: number, y: number, content: string, classes = ""): string {
  return `<text x="${round(x)}" y="${round(y)}" class="${classes}">${escape(content)}</text>`;
}

/** Rounds a coordinate to tenths. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function wrap(content: string): string[] {
  const lines = [""];
  for (const word of content.split(" ")) {
    if (`${lines.at(-1)} ${word}`.length > CAPTION_COLUMNS) lines.push(word);
    else lines[lines.length - 1] = `${lines.at(-1)} ${word}`.trim();
  }
  return lines;
}

/** Returns a complete plot: a title, the body and a caption. */
export function plot(title: string, height: number, body: string[], caption: string): string {
  const lines = wrap(caption);
  const top = height + 12;
  const full = top + lines.length * CAPTION_LINE + MARGIN / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${full}" ` +
    `viewBox="0 0 ${WIDTH} ${full}" role="img" aria-label="${escape(title)}">`,
    `<style>${STYLE}\n</style>`,
    `<rect class="back" width="${WIDTH}" height="${full}" rx="8"/>`,
    text(MARGIN, MARGIN + 10, title, "title"),
    ...body,
    ...lines.map((line, index) => text(MARGIN, top + index * CAPTION_LINE, line, "caption")),
    "</svg>",
  ].join("\n") + "\n";
}
