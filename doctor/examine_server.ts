// Examines a server: one connection per case, several at a time.

import type { Case } from "./case.ts";
import { framing } from "./cases/framing.ts";
import { Conversation } from "./converse.ts";
import { judge } from "./judge.ts";
import { dial, type Stream } from "./network.ts";
import { openToServer } from "./open_to_server.ts";
import { Peer } from "./peer.ts";
import type { Recording } from "./recording.ts";
import { notRunResult, type Result, resultOf } from "./report.ts";
import { emptyTranscript, type Transcript } from "./transcript.ts";

/** The settings for a server. */
export interface ServerExamination {
  /** The URL of an endpoint that echoes: `ws:` or `wss:`. */
  readonly url: URL;
  /** Accepts any certificate. */
  readonly insecure: boolean;
  /** The number of concurrent cases. */
  readonly jobs: number;
  /** The maximum silence in milliseconds. */
  readonly timeout: number;
}

/** The time limit for connecting, in milliseconds. */
const DIAL_TIMEOUT = 10_000;

interface CaseRun {
  readonly transcript: Transcript;
  readonly recording?: Recording;
}

function open({ url, insecure }: ServerExamination): Promise<Stream> {
  const secure = url.protocol === "wss:";
  return dial({
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port || (secure ? 443 : 80)),
    ...(secure ? { tls: { insecure } } : {}),
    signal: AbortSignal.timeout(DIAL_TIMEOUT),
  });
}

async function runCase(one: Case, settings: ServerExamination): Promise<CaseRun> {
  const transcript = emptyTranscript();
  const timeout = one.timeout ?? settings.timeout;
  let stream: Stream;
  try {
    stream = await open(settings);
  } catch (error) {
    transcript.unreachable = `cannot connect: ${(error as Error).message}`;
    return { transcript };
  }
  const peer = new Peer(stream);
  const address = { host: settings.url.host, target: settings.url.pathname + settings.url.search };
  const opened = await openToServer(peer, address, one, transcript, timeout);
  if (opened !== undefined) {
    await new Conversation(one, "server", peer, transcript, timeout, opened.agreement)
      .run(opened.rest);
  } else {
    transcript.end = peer.ended ? "peer" : "timeout";
    peer.cut();
  }
  return { transcript, recording: peer.recording };
}

/** Runs one case. */
export async function examineCase(one: Case, settings: ServerExamination): Promise<Result> {
  if (one.missing !== undefined) return notRunResult(one);
  const start = performance.now();
  let { transcript, recording } = await runCase(one, settings);
  if (one.thenServes) {
    ({ transcript, recording } = await runCase({ ...framing[0], id: one.id }, settings));
  }
  const judged = one.thenServes ? framing[0] : one;
  return resultOf(
    one,
    judge(judged, "server", transcript),
    performance.now() - start,
    recording,
  );
}

/**
 * Runs cases, and reports each result immediately.
 *
 * @returns The results in the order of the cases.
 */
export async function examineServer(
  cases: readonly Case[],
  settings: ServerExamination,
  onResult: (result: Result) => void,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < cases.length) {
      const index = next++;
      const result = await examineCase(cases[index], settings);
      results[index] = result;
      onResult(result);
    }
  };
  await Promise.all(Array.from({ length: settings.jobs }, work));
  return results;
}

/** Checks whether the endpoint is reachable. Returns the error if it is not. */
export async function checkReachable(settings: ServerExamination): Promise<Error | undefined> {
  try {
    (await open(settings)).destroy();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
