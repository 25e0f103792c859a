// Tests clients: a server to which a client connects once per case. The protocol is that of the
// Autobahn test suite, so programs written for it work unchanged:
//
// - `/getCaseCount` sends the number of cases as a text message, and closes;
// - `/runCase?case=N&agent=NAME` is case N, from 1 on: echo every message until the connection ends;
// - `/getCaseInfo?case=N` and `/getCaseStatus?case=N&agent=NAME` send a case's number or result
//   as JSON;
// - `/updateReports?agent=NAME` ends the run of this client.

import {
  checkUpgrade,
  type HandshakeError,
  ServerHandshake,
  type ServerRequest,
} from "@quickws/quickws/core";
import type { Case } from "./case.ts";
import { Conversation } from "./converse.ts";
import { judge } from "./judge.ts";
import { listen, type Listener, type Stream } from "./network.ts";
import { openToClient } from "./open_to_client.ts";
import { Peer } from "./peer.ts";
import { notRunResult, type Result, resultOf } from "./report.ts";
import { close, concat, echoes, text, utf8 } from "./steps.ts";
import { emptyTranscript, type Transcript } from "./transcript.ts";

/** The settings for clients. */
export interface ClientExamination {
  readonly hostname: string;
  /** The port; 0 for any free one. */
  readonly port: number;
  /** The maximum silence in milliseconds. */
  readonly timeout: number;
}

/** Callbacks for the progress of a run. */
export interface ClientEvents {
  /** A case has ended. */
  onResult(agent: string, result: Result): void;
  /** A client has finished; its results are in the order of the cases. */
  onReport(agent: string, results: Result[]): void;
}

/** Milliseconds for a client's request. */
const REQUEST_PATIENCE = 10_000;

/** A client that has sent a legal request. */
interface Client {
  readonly peer: Peer;
  readonly request: ServerRequest;
  /** The data received after the request. */
  readonly rest: Uint8Array[];
}

/** A listening doctor. */
export class ClientExaminer {
  readonly #cases: readonly Case[];
  readonly #settings: ClientExamination;
  readonly #events: ClientEvents;
  /** The results by agent and by the index of the case. */
  readonly #results = new Map<string, Map<number, Result>>();
  /** The running cases, by agent. */
  readonly #running = new Map<string, Set<Promise<void>>>();
  #listener: Listener | undefined;

  /**
   * @param cases The cases, in the order in which clients number them.
   * @param settings Where to listen.
   * @param events Receives the progress and the results.
   */
  constructor(cases: readonly Case[], settings: ClientExamination, events: ClientEvents) {
    this.#cases = cases;
    this.#settings = settings;
    this.#events = events;
  }

  /** Begins to listen, and returns the port. */
  async listen(): Promise<number> {
    const { hostname, port } = this.#settings;
    this.#listener = await listen(hostname, port, (stream) => {
      this.#serve(stream).catch(() => stream.destroy());
    });
    return this.#listener.port;
  }

  /** Stops listening. */
  close(): void {
    this.#listener?.close();
  }

  /** The results of a client in case order, including cases that were not run. */
  results(agent: string): Result[] {
    const known = this.#results.get(agent);
    return this.#cases.flatMap((one, index) => {
      if (one.missing !== undefined) return [notRunResult(one)];
      const result = known?.get(index);
      return result === undefined ? [] : [result];
    });
  }

  async #serve(stream: Stream): Promise<void> {
    const peer = new Peer(stream);
    const handshake = new ServerHandshake({ maxBytes: 65536 });
    const rest: Uint8Array[] = [];
    let complete = false;
    let request: ServerRequest | undefined;
    let problem: HandshakeError | undefined;
    peer.read((chunk) => {
      if (complete) rest.push(chunk);
      if (complete || problem !== undefined) return;
      try {
        complete = handshake.push(chunk);
        if (complete) request = checkUpgrade(handshake.request);
        if (request !== undefined) rest.push(request.rest);
      } catch (error) {
        problem = error as HandshakeError;
      }
    });
    await peer.until(
      () => complete || problem !== undefined || peer.ended,
      REQUEST_PATIENCE,
    );
    const url = new URL(`http://doctor${complete ? handshake.request.path : "/"}`);
    if (request !== undefined) await this.#answer({ peer, request, rest }, url);
    else if (problem !== undefined) await this.#refuse(peer, problem, url);
    else peer.cut();
  }

  /** Reports an invalid opening handshake as the result of the case. */
  async #refuse(peer: Peer, { message }: HandshakeError, url: URL): Promise<void> {
    const index = Number(url.searchParams.get("case")) - 1;
    const one = this.#cases[index];
    if (url.pathname === "/runCase" && one !== undefined) {
      const note = `The client's request is invalid: ${message}`;
      this.#addResult(url, index, resultOf(one, { verdict: "FAIL", note }, 0, peer.recording));
    }
    await this.#plain(
      peer,
      `400 Bad Request`,
      `The doctor cannot accept this request: ${message}\n`,
    );
  }

  async #plain(peer: Peer, status: string, body: string): Promise<void> {
    await peer.send(
      utf8(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n${body}`),
      this.#settings.timeout,
    );
    peer.finish();
  }

  #addResult(url: URL, index: number, result: Result): void {
    const agent = agentOf(url);
    let results = this.#results.get(agent);
    if (results === undefined) this.#results.set(agent, results = new Map());
    results.set(index, result);
    this.#events.onResult(agent, result);
  }

  async #answer(client: Client, url: URL): Promise<void> {
    const agent = agentOf(url);
    const index = Number(url.searchParams.get("case")) - 1;
    switch (url.pathname) {
      case "/getCaseCount":
        return await this.#sendText(client, String(this.#cases.length));
      case "/runCase": {
        const running = this.#runningOf(agent);
        const run = this.#runCase(client, url, index);
        running.add(run);
        return await run.finally(() => running.delete(run));
      }
      case "/getCaseInfo": {
        const { id, title } = this.#cases[index] ?? {};
        return await this.#sendText(client, JSON.stringify({ id, description: title }));
      }
      case "/getCaseStatus": {
        const behavior = this.#results.get(agent)?.get(index)?.verdict ?? "MISSING";
        return await this.#sendText(client, JSON.stringify({ behavior }));
      }
      case "/updateReports":
        await this.#sendText(client);
        // A client may finish a connection before the doctor does.
        await Promise.allSettled(this.#runningOf(agent));
        return this.#events.onReport(agent, this.results(agent));
      default:
        return await this.#plain(client.peer, "404 Not Found", "Not found\n");
    }
  }

  #runningOf(agent: string): Set<Promise<void>> {
    let running = this.#running.get(agent);
    if (running === undefined) this.#running.set(agent, running = new Set());
    return running;
  }

  /** An ordinary connection: an optional text message, then Close. */
  async #sendText(client: Client, message?: string): Promise<void> {
    const steps = [...(message === undefined ? [] : [text(message)]), close(1000)];
    await this.#converse(client, { id: "0", title: "", rfc: "", steps, outcomes: [echoes()] });
  }

  async #converse({ peer, request, rest }: Client, one: Case): Promise<Transcript> {
    const transcript = emptyTranscript();
    const timeout = one.timeout ?? this.#settings.timeout;
    const agreement = await openToClient(peer, request, one, transcript, timeout);
    await new Conversation(one, "client", peer, transcript, timeout, agreement)
      .run(concat(rest));
    return transcript;
  }

  async #runCase(client: Client, url: URL, index: number): Promise<void> {
    const one = this.#cases[index];
    if (one === undefined || one.missing !== undefined) return await this.#sendText(client);
    const start = performance.now();
    const transcript = await this.#converse(client, one);
    const judgment = judge(one, "client", transcript);
    const time = performance.now() - start;
    this.#addResult(url, index, resultOf(one, judgment, time, client.peer.recording));
  }
}

function agentOf(url: URL): string {
  return url.searchParams.get("agent") ?? "client";
}
