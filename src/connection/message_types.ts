// The types of messages, as the options `text` and `binaryType` choose them.

/**
 * The values of the option `text`.
 *
 * @category Connection
 */
export type TextType = "string" | "bytes";

/**
 * The values of the option `binaryType`.
 *
 * @category Connection
 */
export type BinaryType = "uint8array" | "arraybuffer";

/**
 * The messages of a connection with the options `text: X` and `binaryType: B`. An option that is not given
 * as a literal counts as its default.
 *
 * @category Connection
 */
export type MessageOf<X extends TextType, B extends BinaryType> =
  | ([X] extends ["bytes"] ? Uint8Array<ArrayBuffer> : string)
  | ([B] extends ["arraybuffer"] ? ArrayBuffer : Uint8Array<ArrayBuffer>);

/**
 * The options that choose the types of messages.
 *
 * @category Connection
 */
export interface MessageTypeOptions<X extends TextType, B extends BinaryType> {
  /** See `ConnectionOptions.text`. */
  text?: X | undefined;
  /** See `ConnectionOptions.binaryType`. */
  binaryType?: B | undefined;
}
