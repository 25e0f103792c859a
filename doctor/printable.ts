// Escapes text from a peer for display: an agent's name, a reason, a header field.

/** Characters that a terminal or a page may act on: controls, format characters, lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The maximum number of code units that are shown. */
const LONGEST = 1000;

/**
 * Escapes characters that control a terminal or reorder text, as in JavaScript, and truncates long
 * text.
 */
export function printable(text: string): string {
  const shown = text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
  return shown.replace(UNPRINTABLE, escapeCharacter);
}

/** Text inside JSON, where an escape is equivalent to the character. */
export function escapeInJson(json: string): string {
  return json.replace(
    UNPRINTABLE,
    (character) => character === "\n" ? character : unicode(character),
  );
}

function escapeCharacter(character: string): string {
  return character === "\n" ? "\\n" : character === "\r" ? "\\r" : unicode(character);
}

function unicode(character: string): string {
  return Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`,
  ).join("");
}
