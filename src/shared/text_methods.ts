// The runtime's own methods for text.

/** Methods of `Buffer.prototype`: undocumented, but on Node, Bun and Deno. */
export interface TextMethods {
  /** Decodes a part of `this`; everything that is not UTF-8 becomes U+FFFD. */
  utf8Slice?: ((this: Uint8Array, start: number, end: number) => string) | undefined;
  /** Encodes into `this`; a lone surrogate becomes U+FFFD. Returns the number of bytes. */
  utf8Write?: ((this: Uint8Array, text: string, at: number, length: number) => number) | undefined;
}

/**
 * Methods faster than `TextDecoder` and `TextEncoder` for short texts, set by the runtime's
 * transport, if any.
 */
export const textMethods: TextMethods = {};
