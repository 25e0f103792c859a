// Group 25: the boundary between the opening handshake and the frames, for any chunk split.

import type { Case } from "../case.ts";
import {
  echoes,
  expectPong,
  expectText,
  fails,
  inOneWrite,
  ping,
  rejects,
  text,
} from "../steps.ts";

const HELLO = text("Hello, world!");
const BACK = expectText("Hello, world!");
const RFC = "RFC 6455 4.1, 4.2, 5.1";

/** The cases of group 25. */
export const pipelining: readonly Case[] = [
  {
    id: "25.1.1",
    title: "The request's head octet by octet, then a message",
    rfc: RFC,
    role: "server",
    opening: { chunkSize: 1 },
    steps: [HELLO],
    outcomes: [echoes(BACK)],
  },
  {
    id: "25.1.2",
    title:
      "A message in one write with the request, before the response: echoed or rejected, not lost",
    rfc: "RFC 6455 4.1",
    role: "server",
    opening: { behind: [HELLO] },
    steps: [],
    // A client must wait for the response, so a server need not accept early data, but it must not
    // drop it silently.
    outcomes: [echoes(BACK), fails(), rejects()],
  },
  {
    id: "25.1.3",
    title: "Two messages and a ping in one write with the request: all or none are answered",
    rfc: "RFC 6455 4.1",
    role: "server",
    opening: { behind: [HELLO, ping("ping"), HELLO] },
    steps: [],
    outcomes: [echoes(BACK, expectPong("ping"), BACK), fails(), rejects()],
  },
  {
    id: "25.1.4",
    title: "The request in three chunks with pauses",
    rfc: RFC,
    role: "server",
    opening: { chunkSize: 70, delay: 150 },
    steps: [HELLO],
    outcomes: [echoes(BACK)],
  },
  {
    id: "25.2.1",
    title: "The response's head octet by octet, then a message",
    rfc: RFC,
    role: "client",
    opening: { chunkSize: 1 },
    steps: [HELLO],
    outcomes: [echoes(BACK)],
  },
  {
    id: "25.2.2",
    title: "A message in one write with the response",
    rfc: RFC,
    role: "client",
    opening: { behind: [HELLO] },
    steps: [],
    outcomes: [echoes(BACK)],
  },
  {
    id: "25.2.3",
    title: "Two messages and a ping in one write with the response",
    rfc: RFC,
    role: "client",
    opening: { behind: [HELLO, ping("ping"), HELLO] },
    steps: [],
    outcomes: [echoes(BACK, expectPong("ping"), BACK)],
  },
  {
    id: "25.2.4",
    title: "The response in three chunks with pauses",
    rfc: RFC,
    role: "client",
    opening: { chunkSize: 50, delay: 150 },
    steps: [HELLO],
    outcomes: [echoes(BACK)],
  },
  {
    id: "25.3.1",
    title: "A hundred messages in one write",
    rfc: "RFC 6455 5.6",
    steps: [inOneWrite(...Array.from({ length: 100 }, (_, index) => text(`message ${index}`)))],
    outcomes: [
      echoes(...Array.from({ length: 100 }, (_, index) => expectText(`message ${index}`))),
    ],
  },
];
