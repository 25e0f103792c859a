// Invariants of the opening handshake for any input: it throws only the library's errors, the
// result does not depend on the chunk split, and each side accepts the output of the other.

import assert from "node:assert/strict";
import fc from "fast-check";
import { type HandshakeError, WebSocketError } from "../../src/errors.ts";
import { encodeKey } from "../../src/handshake/accept_key.ts";
import { ClientHandshake } from "../../src/handshake/client.ts";
import {
  acceptDeflate,
  checkDeflateAnswer,
  type DeflateConfig,
  offerDeflate,
  PERMESSAGE_DEFLATE,
} from "../../src/handshake/deflate_offer.ts";
import { formatExtensions, parseExtensions } from "../../src/handshake/extensions.ts";
import { HttpHeadReader } from "../../src/handshake/http_head.ts";
import { buildRequest } from "../../src/handshake/request.ts";
import { checkUpgrade, requestFrom, ServerHandshake } from "../../src/handshake/server.ts";
import { acceptResponse, errorResponse, refusalResponse } from "../../src/handshake/response.ts";
import { parseSubprotocols } from "../../src/handshake/subprotocols.ts";
import { concat, toHex } from "../support/vectors.ts";
import { characters, chunkSizes, chunksOf, mutated, mutations } from "./bytes.ts";
import { configs, fieldNames, fieldValues, KEY, requests, responses, tokens } from "./heads.ts";

const PATH_CHARACTERS = "azAZ09-._~!$&'()*+,;=:@";

/** URI paths (RFC 3986 3.3). Unlike `fc.webPath`, it needs no table of all characters. */
const paths: fc.Arbitrary<string> = fc.array(
  fc.string({
    unit: fc.oneof(
      { weight: 10, arbitrary: fc.constantFrom(...PATH_CHARACTERS) },
      { weight: 1, arbitrary: characters.map(percentEncoded) },
    ),
    maxLength: 10,
  }),
  { maxLength: 5 },
).map((segments) => segments.map((segment) => `/${segment}`).join(""));

function percentEncoded(character: string): string {
  const encoded = encodeURIComponent(character);
  return encoded === character ? `%${character.charCodeAt(0).toString(16)}` : encoded;
}

/** Returns the code and message of an allowed error. Rethrows all other errors. */
function allowedError(error: unknown): { code: string; message: string } {
  if (!(error instanceof WebSocketError)) throw error;
  assert.notEqual(error.code, "INTERNAL");
  return { code: error.code, message: error.message };
}

/** Returns the result of `read`, and asserts that it is the same for every chunk split. */
function sameForEverySplit<T>(
  stream: Uint8Array,
  sizes: readonly number[],
  read: (chunks: Iterable<Uint8Array>) => T,
): T {
  const whole = read(chunksOf(stream, [Math.max(1, stream.length)]));
  assert.deepEqual(read(chunksOf(stream, sizes)), whole, "in chunks");
  assert.deepEqual(read(chunksOf(stream, [1])), whole, "by bytes");
  return whole;
}

/** Returns the result of a reader for these chunks, and the remaining bytes. */
function pushed(
  reader: { push(chunk: Uint8Array): boolean },
  chunks: Iterable<Uint8Array>,
): { complete: boolean; left: Uint8Array; error?: ReturnType<typeof allowedError> } {
  let complete = false;
  let left: Uint8Array = new Uint8Array(0);
  for (const chunk of chunks) {
    if (complete) {
      left = concat(left, chunk);
      continue;
    }
    try {
      complete = reader.push(chunk);
    } catch (error) {
      return { complete, left, error: allowedError(error) };
    }
  }
  return { complete, left };
}

/**
 * A server reads a request with the same result for every chunk split, and can write every
 * rejection.
 */
export const requestHeads = fc.property(
  requests,
  mutations,
  chunkSizes,
  configs,
  (head, what, sizes, config) => {
    sameForEverySplit(mutated(head, what), sizes, (chunks) => {
      const handshake = new ServerHandshake({ maxBytes: 2000, maxLines: 10 });
      const { complete, left, error } = pushed(handshake, chunks);
      if (error !== undefined || !complete) return { error, complete };
      const { method, path, host, fields, rest, isUpgrade } = handshake.request;
      const seen = { method, path, host, isUpgrade, fields: [...fields.lines()] };
      return { ...seen, rest: toHex(concat(rest, left)), answer: answerTo(handshake, config) };
    });
  },
);

function answerTo(handshake: ServerHandshake, config: DeflateConfig): string {
  const { request } = handshake;
  let bytes: Uint8Array;
  try {
    const { key, subprotocols, extensions } = checkUpgrade(request);
    const answer = acceptDeflate(extensions, config);
    bytes = acceptResponse({
      key,
      subprotocol: subprotocols[0],
      subprotocols,
      extensions: answer?.extensions,
    });
  } catch (error) {
    allowedError(error);
    bytes = errorResponse(error as HandshakeError, request.method);
  }
  // A response has exactly one head. No client input may end it early or start another.
  const reader = new HttpHeadReader();
  assert.ok(reader.push(bytes));
  assert.ok(reader.rest.length === 0 || reader.fields.has("content-length"));
  return toHex(bytes);
}

/** A server receives a request head that another HTTP implementation has parsed. */
export const requestsOfOthers = fc.property(
  fc.array(fc.tuple(fieldNames, fieldValues), { maxLength: 8 }),
  fc.string({ unit: characters, maxLength: 12 }),
  fc.string({ unit: characters, maxLength: 12 }),
  (lines, method, target) => {
    try {
      const rawHeaders = lines.flat();
      checkUpgrade(requestFrom({ method, target: `/${target}`, version: "HTTP/1.1", rawHeaders }));
    } catch (error) {
      allowedError(error);
    }
  },
);

/** A client reads a response with the same result for every chunk split. */
export const responseHeads = fc.property(
  responses,
  mutations,
  chunkSizes,
  (answer, what, sizes) => {
    sameForEverySplit(mutated(answer, what), sizes, (chunks) => {
      const handshake = new ClientHandshake({
        key: KEY,
        subprotocols: ["chat", "superchat"],
        offeredExtensions: [PERMESSAGE_DEFLATE],
        maxBytes: 2000,
        maxLines: 10,
      });
      const { complete, left, error } = pushed(handshake, chunks);
      if (complete) {
        const { protocol, extensions, rest } = handshake;
        return { protocol, extensions, rest: toHex(concat(rest, left)) };
      }
      try {
        handshake.finish();
      } catch (end) {
        return { error: error ?? allowedError(end) };
      }
      assert.fail("an incomplete handshake has no remaining bytes");
    });
  },
);

/** Each side accepts the output of the other, for any user options. */
export const opening = fc.property(
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  fc.uniqueArray(tokens, { maxLength: 4 }),
  fc.array(fc.tuple(tokens, tokens), { maxLength: 4 }),
  paths,
  fc.nat(3),
  fc.tuple(configs, configs),
  chunkSizes,
  (nonce, subprotocols, fields, path, choice, [clientConfig, serverConfig], sizes) => {
    const key = encodeKey(new Uint8Array(nonce));
    const headers = fields.map(([name, value]): [string, string] => [`x-${name}`, value]);
    const extensions = offerDeflate(clientConfig);
    const target = path === "" ? "/" : path;
    const request = buildRequest({
      host: "a.example:81",
      target,
      key,
      subprotocols,
      extensions,
      headers,
    });
    const server = new ServerHandshake();
    assert.ok(pushed(server, chunksOf(request, sizes)).complete);
    const read = checkUpgrade(server.request);
    assert.deepEqual([read.path, read.host, read.key], [target, "a.example:81", key]);
    assert.deepEqual(read.subprotocols, subprotocols);
    for (const [name, value] of headers) assert.ok(read.fields.getAll(name).includes(value));

    const answer = acceptDeflate(read.extensions, serverConfig);
    const subprotocol = subprotocols[choice];
    const response = acceptResponse({ key, subprotocol, extensions: answer?.extensions, headers });
    const offeredExtensions = [PERMESSAGE_DEFLATE];
    const client = new ClientHandshake({ key, subprotocols, offeredExtensions });
    assert.ok(pushed(client, chunksOf(response, sizes)).complete);
    assert.equal(client.protocol, subprotocol ?? "");
    const agreed = checkDeflateAnswer(client.acceptedExtensions, clientConfig)!;
    // The local window may be smaller than the peer's buffer, never larger.
    const server_ = answer!.agreement;
    assert.equal(agreed.inbound.takeover || !server_.outbound.takeover, true);
    assert.equal(server_.inbound.takeover || !agreed.outbound.takeover, true);
    assert.ok(server_.outbound.windowBits <= agreed.inbound.windowBits);
    assert.ok(agreed.outbound.windowBits <= server_.inbound.windowBits);
  },
);

/** Parses any header field value as a list of extensions or subprotocols. */
export const fieldLists = fc.property(
  fc.array(
    fc.oneof(
      fieldValues,
      fc.string({ unit: fc.constantFrom(...'aZ0,;="\\ \t'), maxLength: 40 }),
      fc.string({ unit: characters, maxLength: 20 }),
    ),
    { maxLength: 3 },
  ),
  configs,
  (values, config) => {
    try {
      const extensions = parseExtensions(values);
      assert.deepEqual(parseExtensions([formatExtensions(extensions)].filter(Boolean)), extensions);
      acceptDeflate(extensions, config);
      checkDeflateAnswer(extensions, config);
    } catch (error) {
      allowedError(error);
    }
    try {
      parseSubprotocols(values);
    } catch (error) {
      allowedError(error);
    }
  },
);

/** No user input can break out of the head that contains it. */
export const injection = fc.property(
  fc.string({ unit: characters, maxLength: 20 }),
  fc.string({ unit: characters, maxLength: 20 }),
  fc.constantFrom("host", "target", "subprotocol", "extensions", "origin", "header"),
  (text, other, place) => {
    const options = { host: "a.example", target: "/", key: KEY };
    const change = {
      host: { host: text },
      target: { target: "/" + text },
      subprotocol: { subprotocols: [text] },
      extensions: { extensions: text },
      origin: { origin: text },
      header: { headers: [[text, other]] as [string, string][] },
    }[place];
    let request: Uint8Array;
    try {
      request = buildRequest({ ...options, ...change });
    } catch (error) {
      assert.ok(error instanceof TypeError, String(error));
      return;
    }
    const reader = new HttpHeadReader();
    assert.ok(reader.push(request));
    assert.equal(reader.rest.length, 0);
    assert.ok(reader.fields.size <= 8);
    const body = refusalResponse({ status: 400, body: text });
    assert.ok(new HttpHeadReader().push(body));
  },
);
