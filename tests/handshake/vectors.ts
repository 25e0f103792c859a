// Opening handshakes of real clients. The requests of ws, undici, Bun, Deno and Python's websockets
// were recorded; those of the browsers were reconstructed from the fields that browsers send.

import { head } from "./replay.ts";

/** A client's request, and the values that a server must read from it. */
export interface RequestVector {
  /** The client. */
  readonly title: string;
  /** The head as text. */
  readonly text: string;
  /** The value of Sec-WebSocket-Key. */
  readonly key: string;
  /** The number of header field lines. */
  readonly lines: number;
  /** The requested subprotocols. */
  readonly subprotocols: string[];
  /** The offered extensions: each name, then the names of its parameters. */
  readonly extensions: string[][];
}

const DEFLATE = [["permessage-deflate", "client_max_window_bits"]];
const CHAT = ["chat.v2", "chat.v1"];

/** The example key of RFC 6455 1.3. */
export const RFC_KEY = "dGhlIHNhbXBsZSBub25jZQ==";
/** The accept value for {@linkcode RFC_KEY}. */
export const RFC_ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/** The requests. */
export const requestVectors: readonly RequestVector[] = [
  {
    title: "RFC 6455 1.2",
    text: head(
      "GET /chat HTTP/1.1",
      "Host: server.example.com",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Key: ${RFC_KEY}`,
      "Origin: http://example.com",
      "Sec-WebSocket-Protocol: chat, superchat",
      "Sec-WebSocket-Version: 13",
    ),
    key: RFC_KEY,
    lines: 7,
    subprotocols: ["chat", "superchat"],
    extensions: [],
  },
  {
    title: "Chrome",
    text: head(
      "GET /chat?room=1 HTTP/1.1",
      "Host: 127.0.0.1:8080",
      "Connection: Upgrade",
      "Pragma: no-cache",
      "Cache-Control: no-cache",
      "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) " +
        "Chrome/131.0.0.0 Safari/537.36",
      "Upgrade: websocket",
      "Origin: http://127.0.0.1:8080",
      "Sec-WebSocket-Version: 13",
      "Accept-Encoding: gzip, deflate, br, zstd",
      "Accept-Language: en-US,en;q=0.9",
      "Cookie: session=0123456789abcdef; theme=dark",
      "Sec-WebSocket-Key: 4NgjiCfgQZwsMbpGxzpj+w==",
      "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
      "Sec-WebSocket-Protocol: chat.v2, chat.v1",
    ),
    key: "4NgjiCfgQZwsMbpGxzpj+w==",
    lines: 14,
    subprotocols: CHAT,
    extensions: DEFLATE,
  },
  {
    title: "Firefox",
    text: head(
      "GET /chat HTTP/1.1",
      "Host: 127.0.0.1:8080",
      "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
      "Accept: */*",
      "Accept-Language: en-US,en;q=0.5",
      "Accept-Encoding: gzip, deflate, br, zstd",
      "Sec-WebSocket-Version: 13",
      "Origin: http://127.0.0.1:8080",
      "Sec-WebSocket-Extensions: permessage-deflate",
      "Sec-WebSocket-Key: pXzN4KQ1UZDPRFj2kbKhJA==",
      "Connection: keep-alive, Upgrade",
      "Sec-Fetch-Dest: empty",
      "Sec-Fetch-Mode: websocket",
      "Sec-Fetch-Site: same-origin",
      "Pragma: no-cache",
      "Cache-Control: no-cache",
      "Upgrade: websocket",
    ),
    key: "pXzN4KQ1UZDPRFj2kbKhJA==",
    lines: 16,
    subprotocols: [],
    extensions: [["permessage-deflate"]],
  },
  {
    title: "Safari",
    text: head(
      "GET / HTTP/1.1",
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Key: YWJjZGVmZ2hpamtsbW5vcA==",
      "Host: [::1]:8080",
      "Origin: http://[::1]:8080",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Extensions: permessage-deflate",
      "Pragma: no-cache",
      "Cache-Control: no-cache",
      "User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 " +
        "(KHTML, like Gecko) Version/18.1 Safari/605.1.15",
    ),
    key: "YWJjZGVmZ2hpamtsbW5vcA==",
    lines: 10,
    subprotocols: [],
    extensions: [["permessage-deflate"]],
  },
  {
    title: "ws",
    text: head(
      "GET /chat?room=1 HTTP/1.1",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: /c7E3YxQ8E+SZGeAS5No1A==",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
      "Sec-WebSocket-Protocol: chat.v2,chat.v1",
      "Host: 127.0.0.1:18431",
    ),
    key: "/c7E3YxQ8E+SZGeAS5No1A==",
    lines: 7,
    subprotocols: CHAT,
    extensions: DEFLATE,
  },
  {
    title: "undici",
    text: head(
      "GET /chat?room=1 HTTP/1.1",
      "host: 127.0.0.1:18431",
      "connection: upgrade",
      "upgrade: websocket",
      "sec-websocket-key: wuJ/bclinlcm6Zxl6NEkHA==",
      "sec-websocket-version: 13",
      "sec-websocket-protocol: chat.v2, chat.v1",
      "sec-websocket-extensions: permessage-deflate; client_max_window_bits",
      "accept: */*",
      "accept-language: *",
      "sec-fetch-mode: websocket",
      "user-agent: undici",
      "pragma: no-cache",
      "cache-control: no-cache",
      "accept-encoding: gzip, deflate",
    ),
    key: "wuJ/bclinlcm6Zxl6NEkHA==",
    lines: 14,
    subprotocols: CHAT,
    extensions: DEFLATE,
  },
  {
    title: "Bun",
    text: head(
      "GET /chat?room=1 HTTP/1.1",
      "Host: 127.0.0.1:18431",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
      "Sec-WebSocket-Key: QpIC9gcHV47NcSoINmLSww==",
      "Sec-WebSocket-Protocol: chat.v2, chat.v1",
    ),
    key: "QpIC9gcHV47NcSoINmLSww==",
    lines: 7,
    subprotocols: CHAT,
    extensions: DEFLATE,
  },
  {
    title: "Deno",
    text: head(
      "GET /chat?room=1 HTTP/1.1",
      "user-agent: Deno/2.9.6",
      "sec-websocket-version: 13",
      "sec-websocket-protocol: chat.v2, chat.v1",
      "host: 127.0.0.1:18431",
      "upgrade: websocket",
      "connection: Upgrade",
      "sec-websocket-key: Fyds5eA3ocO2kRPVBsao5g==",
    ),
    key: "Fyds5eA3ocO2kRPVBsao5g==",
    lines: 7,
    subprotocols: CHAT,
    extensions: [],
  },
  {
    title: "Python websockets",
    text: head(
      "GET /chat?room=1 HTTP/1.1",
      "Host: 127.0.0.1:18431",
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Key: zJKv0CVMj/Zmky52d6lkFA==",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
      "Sec-WebSocket-Protocol: chat.v2, chat.v1",
      "User-Agent: Python/3.11 websockets/17.4",
    ),
    key: "zJKv0CVMj/Zmky52d6lkFA==",
    lines: 8,
    subprotocols: CHAT,
    extensions: DEFLATE,
  },
];
