// Regression tests for defects found in quickws for Go, by their number in the list of defects. The
// other side sends raw bytes on a TCP socket.

import { handshakeCases } from "./defects/handshake.ts";
import { sessionCases } from "./defects/session.ts";
import type { Cases } from "./harness.ts";

/** Every defect of the list. */
export const cases: Cases = { ...handshakeCases, ...sessionCases };
