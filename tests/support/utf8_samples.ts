// Valid and invalid UTF-8 (RFC 3629 sections 3 and 4), as data.

/** A byte sequence, and the position at which a fail-fast reader rejects it. */
export interface Utf8Sample {
  readonly name: string;
  /** The bytes in hexadecimal. */
  readonly bytes: string;
  /**
   * How many bytes a reader needs to see that the text is invalid: 0 for valid text, and the length
   * plus one for truncated text.
   */
  readonly refusedAt: number;
}

function good(name: string, bytes: string): Utf8Sample {
  return { name, bytes, refusedAt: 0 };
}

function bad(name: string, bytes: string, refusedAt: number): Utf8Sample {
  return { name, bytes, refusedAt };
}

/** One sample per rule, on both sides of each boundary. */
export const UTF8_SAMPLES: readonly Utf8Sample[] = [
  good("nothing", ""),
  good("NUL", "00"),
  good("DEL", "7f"),
  good("the Greek word kosme", "ce ba e1 bd b9 cf 83 ce bc ce b5"),
  good("U+0080, the first of two bytes", "c2 80"),
  good("U+07FF, the last of two bytes", "df bf"),
  good("U+0800, the first of three bytes", "e0 a0 80"),
  good("U+D7FF, the last before the surrogates", "ed 9f bf"),
  good("U+E000, the first after the surrogates", "ee 80 80"),
  good("U+FFFD, the replacement character", "ef bf bd"),
  good("U+10000, the first of four bytes", "f0 90 80 80"),
  good("U+FFFFF", "f3 bf bf bf"),
  good("U+10FFFF, the last code point", "f4 8f bf bf"),
  good("the noncharacter U+FDD0", "ef b7 90"),
  good("the noncharacter U+FFFE", "ef bf be"),
  good("the noncharacter U+FFFF", "ef bf bf"),
  good("the noncharacter U+1FFFE", "f0 9f bf be"),
  good("the noncharacter U+10FFFF", "f4 8f bf bf"),
  good("a byte order mark", "ef bb bf"),
  good("a byte order mark before and inside text", "ef bb bf 61 ef bb bf 62"),

  bad("a lone continuation byte 80", "80", 1),
  bad("a lone continuation byte bf", "bf", 1),
  bad("an extra continuation byte", "c3 a9 80", 3),
  bad("a lead byte followed by ASCII", "c3 61", 2),
  bad("a lead byte followed by a lead byte", "e2 c3 a9", 2),
  bad("a third byte that is not a continuation", "e2 82 41", 3),
  bad("a fourth byte that is not a continuation", "f0 9f 98 41", 4),
  bad("the byte fe", "fe", 1),
  bad("the byte ff", "61 ff", 2),

  bad("an overlong NUL of two bytes", "c0 80", 1),
  bad("an overlong slash of two bytes", "c0 af", 1),
  bad("an overlong U+007F", "c1 bf", 1),
  bad("an overlong slash of three bytes", "e0 80 af", 2),
  bad("an overlong U+07FF", "e0 9f bf", 2),
  bad("an overlong slash of four bytes", "f0 80 80 af", 2),
  bad("an overlong U+FFFF", "f0 8f bf bf", 2),
  bad("an overlong slash of five bytes", "f8 80 80 80 af", 1),
  bad("an overlong slash of six bytes", "fc 80 80 80 80 af", 1),

  bad("the surrogate U+D800", "ed a0 80", 2),
  bad("the surrogate U+DFFF", "ed bf bf", 2),
  bad("a surrogate pair", "ed a0 bd ed b8 80", 2),

  bad("U+110000, beyond the last code point", "f4 90 80 80", 2),
  bad("the lead byte f5", "f5 80 80 80", 1),
  bad("a five-byte character", "f8 88 80 80 80", 1),
  bad("a six-byte character", "fc 84 80 80 80 80", 1),

  bad("a truncated two-byte character", "61 c3", 3),
  bad("a truncated three-byte character", "e2 82", 3),
  bad("a truncated four-byte character", "f0 9f 98", 4),
  bad("an invalid byte far after valid text", `${"61".repeat(100)} ce ba e1 bd b9 ed a0 80`, 107),
];
