// What few pages need, in one module: a bundle loads it when it is needed.

export { refusal } from "./page_refusals.ts";
export { sendWhole } from "./page_stream.ts";
