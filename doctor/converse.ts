// Runs one case on an open connection: executes its steps, then waits for its end.

import { type DeflateAgreement, Opcode, type PermessageDeflate } from "@quickws/quickws/core";
import type { Case, FloodStep, FrameStep, Outcome, Role, RoundTripsStep, Step } from "./case.ts";
import { payloadBytes } from "./corpus.ts";
import { encodeFrame } from "./encode_frame.ts";
import { deflateFor, Inbound } from "./inbound.ts";
import { sameBytes, sameEvents } from "./judge.ts";
import { MaskKeys } from "./mask_keys.ts";
import type { Peer } from "./peer.ts";
import { close, concat, cut, pong } from "./steps.ts";
import type { Transcript } from "./transcript.ts";

/** Write size in bytes when many frames are sent at once. */
const PIECE = 65536;
/** Milliseconds of silence that end a case with an open outcome. */
const QUIET = 500;

/** One connection on which a case runs. */
export class Conversation {
  readonly #case: Case;
  readonly #role: Role;
  readonly #peer: Peer;
  readonly #transcript: Transcript;
  readonly #timeout: number;
  readonly #deflate: PermessageDeflate | undefined;
  readonly #maskKeys = new MaskKeys();
  readonly #floods: Promise<void>[] = [];
  /** Round trips are compared immediately and not recorded. */
  #comparing = false;

  /**
   * @param one The case.
   * @param role The role of the peer.
   * @param peer The stream, after the opening handshake.
   * @param transcript Records all events.
   * @param timeout Milliseconds of silence to wait for.
   */
  constructor(
    one: Case,
    role: Role,
    peer: Peer,
    transcript: Transcript,
    timeout: number,
    agreement: DeflateAgreement | undefined,
  ) {
    this.#case = one;
    this.#role = role;
    this.#peer = peer;
    this.#transcript = transcript;
    this.#timeout = timeout;
    this.#deflate = agreement && deflateFor(agreement);
  }

  /** Runs the case; `rest` is the data received after the opening handshake. */
  async run(rest: Uint8Array): Promise<void> {
    const { steps, opening } = this.#case;
    const answerPing = (payload: Uint8Array): void => {
      if (this.#peerStoppedReading) return;
      this.#send(encodeFrame(pong(payload.slice()), this.#role)).catch(() => {});
    };
    const inbound = new Inbound(this.#role, this.#transcript, this.#deflate, answerPing);
    const read = (chunk: Uint8Array): void => {
      inbound.read(chunk);
      if (this.#case.freshMasks && this.#transcript.violation === undefined) {
        this.#maskKeys.read(chunk);
      }
    };
    if (rest.length > 0) read(rest);
    this.#peer.read(read);
    if (opening?.deflate !== undefined && this.#deflate === undefined) {
      this.#transcript.declined = true;
      await this.#sendFrame(close(1000));
    } else {
      for (const step of this.#isWronglyAccepted ? [] : steps) {
        if (this.#peerStoppedReading) break;
        await this.#execute(step);
      }
    }
    await this.#settle();
  }

  /** A server that should have rejected the request fails by accepting it. */
  get #isWronglyAccepted(): boolean {
    return this.#role === "server" && this.#expectsRejection;
  }

  get #expectsRejection(): boolean {
    return this.#case.outcomes.every(({ ending }) => ending.is === "refused");
  }

  /** Whether sending is pointless because the peer no longer reads. */
  get #peerStoppedReading(): boolean {
    return this.#peer.ended || this.#transcript.close !== undefined ||
      this.#transcript.violation !== undefined;
  }

  #send(bytes: Uint8Array): Promise<boolean> {
    return this.#peer.send(bytes, this.#timeout);
  }

  async #sendFrame(step: FrameStep): Promise<void> {
    if (step.opcode === Opcode.Close) this.#noteClose(step);
    await this.#send(encodeFrame(step, this.#role));
  }

  #noteClose({ payload }: FrameStep): void {
    const bytes = payloadBytes(payload);
    if (this.#transcript.close !== undefined) return;
    this.#transcript.closedFirst ??= bytes.length < 2 ? 1005 : bytes[0] << 8 | bytes[1];
  }

  async #execute(step: Step): Promise<void> {
    switch (step.do) {
      case "frame":
        return await this.#sendFrame(step);
      case "frames": {
        const { frames } = step;
        for (const one of frames) if (one.opcode === Opcode.Close) this.#noteClose(one);
        const bytes = concat(frames.map((one) => encodeFrame(one, this.#role)));
        return await this.#sendInChunks(bytes, step.chunkSize);
      }
      case "bytes":
        return void await this.#send(step.bytes.slice());
      case "pause":
        return await this.#peer.pass(step.milliseconds);
      case "checkOpen":
        await this.#peer.pass(step.milliseconds);
        if (!this.#peerStoppedReading) {
          this.#transcript.events.push({ is: "checkOpen", name: step.name });
        }
        return;
      case "await":
        await this.#peer.until(
          () => this.#peerStoppedReading || this.#transcript.events.length >= step.count,
          this.#timeout,
        );
        return;
      case "roundTrips":
        return await this.#roundTrips(step);
      case "flood":
        this.#floods.push(this.#flood(step));
        return;
      case "stopReading":
        return this.#peer.pause();
      case "resumeReading":
        return this.#peer.resume();
      case "end":
        return this.#peer.finish();
      case "reset":
        return this.#peer.cut();
    }
  }

  async #sendInChunks(bytes: Uint8Array, chunkSize: number): Promise<void> {
    if (chunkSize === 0) return void await this.#send(bytes);
    for (let at = 0; at < bytes.length && !this.#peerStoppedReading; at += chunkSize) {
      // A copy, because the stream may keep it.
      if (!await this.#send(bytes.slice(at, at + chunkSize))) return;
      // Single octets: yields to the event loop, so that the peer receives each separately.
      if (chunkSize === 1) await this.#peer.turn();
    }
  }

  async #flood({ frame: step, count }: FloodStep): Promise<void> {
    const one = encodeFrame(step, this.#role);
    const perPiece = Math.max(1, Math.floor(PIECE / one.length));
    for (let sent = 0; sent < count && !this.#peerStoppedReading;) {
      const size = Math.min(perPiece, count - sent);
      if (!await this.#send(concat(Array.from({ length: size }, () => one)))) {
        this.#transcript.stalled = !this.#peerStoppedReading;
        return;
      }
      sent += size;
    }
  }

  async #roundTrips({ opcode, count, source, size, fragment }: RoundTripsStep): Promise<void> {
    const { events } = this.#transcript;
    this.#comparing = true;
    for (let index = 0; index < count && !this.#peerStoppedReading; index++) {
      const payload = payloadBytes({ source, size, offset: index * size });
      await this.#send(this.#encodeMessage(opcode, payload, fragment));
      if (
        !await this.#peer.until(() => events.length > 0 || this.#peerStoppedReading, this.#timeout)
      ) break;
      const [event] = events;
      if (event?.is !== "message") break;
      if (event.opcode !== opcode || !sameBytes(payload, event.payload)) {
        this.#transcript.violation = `the echo of message ${index + 1} of ${count} is different`;
        break;
      }
      events.length = 0;
      if (index === count - 1) this.#comparing = false;
    }
    if (!this.#comparing) return;
    this.#transcript.violation ??= "not every message was echoed";
  }

  /** A message as negotiated: compressed if that makes it shorter, in fragments if requested. */
  #encodeMessage(opcode: number, payload: Uint8Array, fragment: number): Uint8Array {
    const target = new Uint8Array(this.#deflate?.bound(payload.length) ?? 0);
    const end = this.#deflate === undefined || payload.length === 0
      ? -1
      : this.#deflate.deflate(payload, 0, payload.length, target, 0);
    const content = end === -1 ? payload : target.subarray(0, end);
    const frames = cut(opcode, content, fragment === 0 ? content.length : fragment);
    if (end !== -1) frames[0] = { ...frames[0], rsv: 4 };
    return concat(frames.map((step) => encodeFrame(step, this.#role)));
  }

  /** RFC 6455 5.3: "the masking key needs to be unpredictable", a fresh one for each frame. */
  #checkMaskKeys(): void {
    if (this.#maskKeys.repeated) this.#transcript.violation ??= "a mask key was used twice";
  }

  /** Waits for the end, and sends Close after all events of an outcome were received. */
  async #settle(): Promise<void> {
    const { outcomes, mute } = this.#case;
    const transcript = this.#transcript;
    const wanted = outcomes.filter(({ ending }) => ending.is === "closed");
    const complete = (): boolean =>
      this.#isWronglyAccepted || (this.#expectsRejection && transcript.events.length > 0) ||
      wanted.some((outcome) => this.#isComplete(outcome));
    const over = (): boolean => this.#peerStoppedReading || transcript.closedFirst !== undefined;
    await Promise.all(this.#floods);
    const anything = wanted.some(({ expected }) => expected === "anything");
    const timeout = anything && wanted.length === 1 ? QUIET : this.#timeout;
    const met = await this.#peer.until(() => over() || complete(), timeout);
    if ((met || anything) && !over()) await this.#sendFrame(close(1000));
    // Waits for the peer's reaction to the doctor's Close, or its own Close.
    if (transcript.closedFirst !== undefined) {
      await this.#peer.until(() => this.#peerStoppedReading, this.#timeout);
    }
    if (transcript.close !== undefined && transcript.closedFirst === undefined && !mute) {
      const { code } = transcript.close;
      await this.#send(encodeFrame(close(code === 1005 ? undefined : code), this.#role));
    }
    await this.#end();
    this.#checkMaskKeys();
  }

  #isComplete({ expected }: Outcome): boolean {
    return expected !== "anything" && sameEvents(expected, this.#transcript.events);
  }

  /** RFC 6455 7.1.1: the server ends the stream, and the client waits for the end. */
  async #end(): Promise<void> {
    const { close: received, violation } = this.#transcript;
    const closed = received !== undefined || this.#peer.ended;
    if (violation !== undefined || !closed) {
      this.#transcript.end = this.#peer.isClosed ? "peer" : "timeout";
      this.#peer.cut();
      return;
    }
    if (this.#role === "client") this.#peer.finish();
    await this.#peer.until(() => this.#peer.ended, this.#timeout);
    this.#transcript.end = this.#peer.ended ? "peer" : "timeout";
    this.#peer.finish();
    await this.#peer.until(() => this.#peer.isClosed, this.#timeout);
    this.#peer.cut();
  }
}
