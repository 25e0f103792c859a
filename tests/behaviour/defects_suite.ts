// Defects that were found in quickws for Go by running it, by their number in the list that was made
// of them: none of them is here. The other side is raw bytes on a TCP socket.

import { handshakeCases } from "./defects/handshake.ts";
import { sessionCases } from "./defects/session.ts";
import type { Cases } from "./harness.ts";

/** Every defect of the list. */
export const cases: Cases = { ...handshakeCases, ...sessionCases };
