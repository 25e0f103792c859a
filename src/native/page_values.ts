// The values exported by the page entry besides `connect` and the errors. In the npm package they
// are a separate module; see npm-build.ts.

export { prepareMessage } from "../connection/arguments.ts";
export { CloseCode } from "../wire/close.ts";
export { Opcode } from "../wire/opcode.ts";
