/*
 * The definition of a case: plain data that describes the sent frames and the allowed outcomes. The
 * same definition applies to servers and clients.
 */

/** The examined side of the connection. */
export type Role = "server" | "client";

/** The verdict of a case. */
export type Verdict = "PASS" | "NON-STRICT" | "FAIL" | "UNIMPLEMENTED" | "INFORMATIONAL";

/** The sources of payloads; see corpus.ts. */
export type SourceName =
  | "stars"
  | "octets"
  | "zeros"
  | "json"
  | "bitmap"
  | "prose"
  | "html"
  | "pdf";

/** `size` bytes of a source, from `offset` on, repeated as needed. */
export interface Filled {
  readonly source: SourceName;
  readonly size: number;
  readonly offset?: number;
}

/** The payload of a frame. Large payloads are described, so that a list of cases stays small. */
export type Payload = Uint8Array | Filled;

/** Sends one frame, legal or not. */
export interface FrameStep {
  readonly do: "frame";
  readonly opcode: number;
  readonly payload: Payload;
  /** The FIN bit. */
  readonly fin: boolean;
  /** RSV1 to RSV3 as a number from 0 to 7; RSV1 is 4. */
  readonly rsv: number;
  /** `false` violates RFC 6455 5.1: an unmasked client frame or a masked server frame. */
  readonly maskRule: boolean;
  /** The mask key of a masked frame. Default: random. */
  readonly maskKey?: number;
  /** The bits of the length field. Default: the minimum. */
  readonly lengthBits?: 16 | 64;
  /** The announced length, if it differs from the payload's. */
  readonly announced?: bigint;
}

/** Sends several frames as one sequence of octets, in chunks of `chunkSize` octets; 0 is one chunk. */
export interface FramesStep {
  readonly do: "frames";
  readonly frames: readonly FrameStep[];
  readonly chunkSize: number;
}

/** Sends raw octets, such as the rest of a frame announced earlier. */
export interface BytesStep {
  readonly do: "bytes";
  readonly bytes: Uint8Array;
}

/** Waits for a fixed time. */
export interface PauseStep {
  readonly do: "pause";
  readonly milliseconds: number;
}

/** Waits, then records whether the connection is still open. */
export interface CheckOpenStep {
  readonly do: "checkOpen";
  readonly name: string;
  readonly milliseconds: number;
}

/** Waits for a number of messages and pongs since the start of the case. */
export interface AwaitStep {
  readonly do: "await";
  readonly count: number;
}

/** Sends messages in sequence, each after the echo of the previous one. */
export interface RoundTripsStep {
  readonly do: "roundTrips";
  readonly opcode: number;
  readonly count: number;
  readonly source: SourceName;
  readonly size: number;
  /** The payload size of each frame; 0 sends each message in one frame. */
  readonly fragment: number;
}

/** Sends one frame many times, while later steps run. */
export interface FloodStep {
  readonly do: "flood";
  readonly frame: FrameStep;
  readonly count: number;
}

/** Stops or resumes reading, ends the doctor's side, or aborts the stream. */
export interface StreamStep {
  readonly do: "stopReading" | "resumeReading" | "end" | "reset";
}

/** One action of the doctor on an open connection. */
export type Step =
  | FrameStep
  | FramesStep
  | BytesStep
  | PauseStep
  | CheckOpenStep
  | AwaitStep
  | RoundTripsStep
  | FloodStep
  | StreamStep;

/** Header field edits by name: other values, several lines, or none (`null`). */
export type FieldEdits = Readonly<Record<string, string | readonly string[] | null>>;

/** The doctor's opening handshake; absent properties have legal values. */
export interface Opening {
  /** The offer (to a server) or response (to a client) in `Sec-WebSocket-Extensions`. */
  readonly extensions?: string;
  /** The required compression; for a peer without it the case is UNIMPLEMENTED. */
  readonly deflate?: DeflateTerms;
  /** The value of `Sec-WebSocket-Protocol`. */
  readonly subprotocols?: readonly string[];
  /** The start line, if it differs from the usual one; `%s` stands for the examined target. */
  readonly startLine?: string;
  /** Header fields that differ from the usual ones. */
  readonly fields?: FieldEdits;
  /** Lines that are sent verbatim, valid or not. */
  readonly rawLines?: readonly Uint8Array[];
  /** The end of each line. Default: CR LF. */
  readonly lineEnd?: string;
  /** Octets to send instead of a head. */
  readonly instead?: Payload;
  /** An interim response before the final one to a client. */
  readonly interim?: string;
  /** The head is sent in chunks of this size, in octets. Default: in one write. */
  readonly chunkSize?: number;
  /** Milliseconds between the chunks. */
  readonly delay?: number;
  /** The number of octets of the head to send. Default: all. */
  readonly only?: number;
  /** Frames sent in one write with the end of the head. */
  readonly behind?: readonly FrameStep[];
}

/** The parameters of compression to negotiate. */
export interface DeflateTerms {
  /** The offers to a server, the preferred one first. */
  readonly offers: readonly DeflateOffer[];
}

/** One offer: the parameters for the peer's messages. */
export interface DeflateOffer {
  readonly noContextTakeover: boolean;
  /** 0 requests nothing. */
  readonly maxWindowBits: number;
}

/** An event received on the connection. */
export type Expected =
  | { readonly is: "message"; readonly opcode: number; readonly payload: Payload }
  | { readonly is: "pong"; readonly payload: Payload }
  | { readonly is: "checkOpen"; readonly name: string };

/**
 * The end of the connection:
 * - `closed`: the doctor sends Close after all expected events, or in one of its steps; the peer
 *   answers with Close, and the stream ends.
 * - `unclean`: as `closed`, but the peer does not answer with Close, or keeps the stream open.
 * - `failed`: the peer fails the connection, with a Close frame or without.
 * - `unanswered`: the peer sends no legal Close frame.
 * - `refused`: the opening handshake is not completed.
 */
export type Ending =
  | { readonly is: "closed"; readonly codes?: readonly number[] }
  | { readonly is: "unclean"; readonly codes?: readonly number[] }
  | { readonly is: "unanswered" }
  | {
    readonly is: "failed";
    /**
     * The allowed codes of its Close frame. Default: any except the doctor's own, which is an echo.
     */
    readonly codes?: readonly number[];
    /** Whether it may omit the Close frame. Default: true. */
    readonly silent?: boolean;
  }
  | {
    readonly is: "refused";
    /** The allowed status codes of a server; absent: any but 101, or none at all. */
    readonly statuses?: readonly number[];
    /** Whether a client may leave an unused stream open. Default: false. */
    readonly lingers?: boolean;
    /** A required field of the response, and a token in it. */
    readonly field?: readonly [name: string, token: string];
  };

/** A possible outcome and its verdict. */
export interface Outcome {
  readonly verdict: Exclude<Verdict, "FAIL">;
  /** The exact sequence of received events. `anything` checks only the end. */
  readonly expected: readonly Expected[] | "anything";
  readonly ending: Ending;
  /** The explanation of a verdict other than PASS. */
  readonly note?: string;
}

/** A property of the peer's handshake that the case checks, besides its legality. */
export interface HandshakeCheck {
  /** The subprotocols that the peer may choose. */
  readonly subprotocols?: readonly string[];
  /** Whether the peer may have accepted an extension. */
  readonly noExtensions?: boolean;
}

/** One case. */
export interface Case {
  /** The number, such as `5.15`. */
  readonly id: string;
  /** The subject, in one sentence. */
  readonly title: string;
  /** The section with the rule. */
  readonly rfc: string;
  /** The examined side. Default: both. */
  readonly role?: Role;
  readonly opening?: Opening;
  readonly steps: readonly Step[];
  /** The first match wins; without a match the verdict is FAIL, or `otherwise`. */
  readonly outcomes: readonly Outcome[];
  readonly otherwise?: "INFORMATIONAL" | "NON-STRICT";
  readonly check?: HandshakeCheck;
  /** Whether `--fast` skips the case because it is slow or needs much memory. */
  readonly heavy?: boolean;
  /** The reduction by `--fast`. */
  readonly shrunk?: string;
  /** The required option that was not given: the case is not run. */
  readonly missing?: string;
  /** The case passes if the server serves the next connection normally. */
  readonly thenServes?: boolean;
  /** A client must not use a mask key again. */
  readonly freshMasks?: boolean;
  /** The doctor does not answer the peer's Close frame. */
  readonly mute?: boolean;
  /** Milliseconds of silence to wait for. Default: the setting of the run. */
  readonly timeout?: number;
}

/** The settings that a list of cases depends on. */
export interface Facts {
  /** The largest message that the peer accepts, in bytes; `undefined` if unknown. */
  readonly maxMessageSize?: number;
  /** Whether long cases are skipped or shortened. */
  readonly fast: boolean;
}
