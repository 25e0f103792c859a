// Regression tests for defects found in quickws for Go, by number in the list of defects. The peer
// sends raw bytes on a TCP socket.

import { handshakeCases } from "./defects/handshake.ts";
import { sessionCases } from "./defects/session.ts";
import type { Cases } from "./harness.ts";

export const cases: Cases = { ...handshakeCases, ...sessionCases };
