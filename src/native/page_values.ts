// The values that the entry for pages exports beside `connect` and the errors. The npm package has them in a
// module of their own; see npm-build.ts.

export { prepareMessage } from "../connection/arguments.ts";
export { CloseCode } from "../wire/close.ts";
export { Opcode } from "../wire/opcode.ts";
