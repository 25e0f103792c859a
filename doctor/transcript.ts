// The events of a case, as data for the verdict.

import type { HeaderFields } from "@quickws/quickws/core";

/** A received or recorded event. */
export type Event =
  | { readonly is: "message"; readonly opcode: number; readonly payload: Uint8Array }
  | { readonly is: "pong"; readonly payload: Uint8Array }
  | { readonly is: "checkOpen"; readonly name: string };

/** The response of a server. */
export interface Answer {
  readonly status: number;
  readonly fields: HeaderFields;
}

/** How the stream ended: by the peer, by the doctor, or not in time. */
export type StreamEnd = "peer" | "doctor" | "timeout";

/** The course of one case. */
export interface Transcript {
  /** Whether the opening handshake was completed. */
  opened: boolean;
  /** The server's response, if there was one. */
  answer?: Answer;
  /** The violation in the peer's opening handshake. */
  handshakeProblem?: string;
  /** The result of the case's own check of the handshake. */
  checkProblem?: string;
  /** Whether the peer declined the feature under test. */
  declined: boolean;
  readonly events: Event[];
  /** The violation by the peer. */
  violation?: string;
  /** The code of the doctor's Close frame, if it was sent first. */
  closedFirst?: number;
  /** The peer's Close frame. */
  close?: { readonly code: number; readonly reason: string };
  end: StreamEnd;
  /** Whether a flood was stopped because the peer did not read. */
  stalled?: boolean;
  /** The endpoint could not be reached. */
  unreachable?: string;
}

/** An empty transcript. */
export function emptyTranscript(): Transcript {
  return { opened: false, declined: false, events: [], end: "peer" };
}
