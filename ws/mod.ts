/**
 * A drop-in replacement for the npm package `ws`. It exports the same names as
 * `@quickws/quickws/ws`.
 *
 * @module
 */

export * from "@quickws/quickws/ws";
export { default } from "@quickws/quickws/ws";
