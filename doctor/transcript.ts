// What happened in a case, as data: all that a verdict is made of.

import type { HeaderFields } from "@quickws/quickws/core";

/** A received or recorded event. */
export type Event =
  | { readonly is: "message"; readonly opcode: number; readonly payload: Uint8Array }
  | { readonly is: "pong"; readonly payload: Uint8Array }
  | { readonly is: "look"; readonly name: string };

/** What a server answered. */
export interface Answer {
  readonly status: number;
  readonly fields: HeaderFields;
}

/** How the stream ended: the peer did it, the doctor had to because the peer did not, or as it should. */
export type StreamEnd = "peer" | "doctor" | "patience";

/** The course of one case. */
export interface Transcript {
  /** Whether the opening handshake was completed. */
  opened: boolean;
  /** The server's answer, if there was one. */
  answer?: Answer;
  /** What was wrong with the peer's part of the opening handshake. */
  handshakeProblem?: string;
  /** What the case's own check of the handshake found. */
  checkProblem?: string;
  /** Whether the peer declined what the case is about. */
  declined: boolean;
  readonly events: Event[];
  /** What the peer sent that it must not send. */
  violation?: string;
  /** The code of the doctor's Close frame, if it was sent first. */
  closedFirst?: number;
  /** The peer's Close frame. */
  close?: { readonly code: number; readonly reason: string };
  end: StreamEnd;
  /** Whether a flood was given up because the peer did not read. */
  stalled?: boolean;
  /** The endpoint could not be reached. */
  unreachable?: string;
}

/** A transcript in which nothing has happened. */
export function emptyTranscript(): Transcript {
  return { opened: false, declined: false, events: [], end: "peer" };
}
