/**
 * The interface of the npm package `ws`, under a name that can stand for `ws`: what
 * `@quickws/quickws/ws` exports.
 *
 * @module
 */

export * from "@quickws/quickws/ws";
export { default } from "@quickws/quickws/ws";
