// Group 6, second part: difficult byte sequences for decoders, after Markus Kuhn's stress test. Each
// is in hexadecimal; a leading exclamation mark marks invalid UTF-8.

/** Sequences of one kind. */
export interface Sequences {
  readonly title: string;
  readonly of: readonly string[];
}

function byte(value: number): string {
  return value.toString(16).padStart(2, "0");
}

function range(from: number, to: number, behind = ""): string {
  return Array.from({ length: to - from + 1 }, (_, i) => byte(from + i) + behind).join("");
}

/** The Greek word kosme: two bytes, three, two, two, two. */
const KOSME = "cebae1bdb9cf83cebcceb5";
/** Where its characters end, in bytes. */
const KOSME_ENDS = [2, 5, 7, 9, 11];

/** Sequences whose last byte is missing. */
const INCOMPLETE = [
  ...["c0", "e080", "f08080", "f8808080", "fc80808080"],
  ...["df", "efbf", "f7bfbf", "fbbfbfbf", "fdbfbfbfbf"],
];

/** U+xFFFE and U+xFFFF of all planes: noncharacters, which are valid in UTF-8. */
function nonCharacters(): string[] {
  const encoder = new TextEncoder();
  return Array.from({ length: 34 }, (_, index) => {
    const point = (index >> 1) * 0x10000 + 0xfffe + (index & 1);
    return Array.from(encoder.encode(String.fromCodePoint(point)), byte).join("");
  });
}

function invalid(...digits: string[]): string[] {
  return digits.map((sequence) => `!${sequence}`);
}

/** The groups 6.5 to 6.23. */
export const sequences: readonly Sequences[] = [
  {
    title: "Valid text",
    of: [
      "68656c6c6f24776f726c64",
      "68656c6c6fc2a2776f726c64",
      "68656c6c6fe282ac776f726c64",
      "68656c6c6ff0a4ada2776f726c64",
      KOSME,
    ],
  },
  {
    title: "A prefix of a text",
    of: Array.from(
      { length: 11 },
      (_, index) => (KOSME_ENDS.includes(index + 1) ? "" : "!") + KOSME.slice(0, 2 * index + 2),
    ),
  },
  { title: "The first sequence of its length", of: ["00", "c280", "e0a080", "f0908080"] },
  {
    title: "The first sequence of five or six bytes",
    of: invalid("f888808080", "fc8480808080"),
  },
  { title: "The last sequence of its length", of: ["7f", "dfbf", "efbfbf", "f48fbfbf"] },
  {
    title: "The last sequence of four, five or six bytes",
    of: invalid("f7bfbfbf", "fbbfbfbfbf", "fdbfbfbfbfbf"),
  },
  { title: "A boundary", of: ["ed9fbf", "ee8080", "efbfbd", "f48fbfbf", "!f4908080"] },
  {
    title: "Continuation bytes alone",
    of: invalid(
      ...["80", "bf", "80bf", "80bf80", "80bf80bf", "80bf80bf80", "80bf80bf80bf"],
      range(0x80, 0xbe),
    ),
  },
  {
    title: "Lead bytes, each followed by a space",
    of: invalid(
      range(0xc0, 0xde, "20"),
      range(0xe0, 0xee, "20"),
      range(0xf0, 0xf6, "20"),
      range(0xf8, 0xfa, "20"),
      range(0xfc, 0xfc, "20"),
    ),
  },
  { title: "The last byte is missing", of: invalid(...INCOMPLETE) },
  { title: "Concatenated incomplete sequences", of: invalid(INCOMPLETE.join("")) },
  { title: "Bytes that never occur in UTF-8", of: invalid("fe", "ff", "fefeffff") },
  {
    title: "An overlong slash",
    of: invalid("c0af", "e080af", "f08080af", "f8808080af", "fc80808080af"),
  },
  {
    title: "The last overlong sequence of its length",
    of: invalid("c1bf", "e09fbf", "f08fbfbf", "f887bfbfbf", "fc83bfbfbfbf"),
  },
  {
    title: "An overlong NUL",
    of: invalid("c080", "e08080", "f0808080", "f880808080", "fc8080808080"),
  },
  {
    title: "A surrogate",
    of: invalid("eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf"),
  },
  {
    title: "A pair of surrogates",
    of: invalid(
      ...["eda080edb080", "eda080edbfbf", "edadbfedb080", "edadbfedbfbf"],
      ...["edae80edb080", "edae80edbfbf", "edafbfedb080", "edafbfedbfbf"],
    ),
  },
  { title: "A noncharacter code point", of: nonCharacters() },
  {
    title: "A special code point",
    of: ["efbfb9", "efbfba", "efbfbb", "efbfbc", "efbfbd", "efbfbe", "efbfbf"],
  },
];
