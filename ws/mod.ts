/**
 * The API of the npm package `ws`, as a package that can replace it. It exports the same names as
 * `@quickws/quickws/ws`.
 *
 * @module
 */

export * from "@quickws/quickws/ws";
export { default } from "@quickws/quickws/ws";
