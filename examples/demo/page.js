// The page of the demo. The server echoes in order, so the oldest message that waits is the one
// that an arriving message answers.

const LOG_LENGTH = 100;
const TIMINGS = 100;
const TEXT_SHOWN = 200;
const BURST_MESSAGES = 1000;
const BURST_BYTES = 32 * 1024 * 1024;

const byId = (id) => document.getElementById(id);
const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/`;
const waiting = [];
const timings = [];
let socket;
let sent = 0;
let echoed = 0;
let burst;

function show(state, text) {
  byId("state").className = state;
  byId("state").textContent = text;
  byId("toggle").textContent = state === "closed" ? "Connect" : "Disconnect";
  for (const id of ["send-text", "send-binary", "send-burst"]) {
    byId(id).disabled = state !== "open";
  }
}

function connect() {
  show("connecting", "connecting");
  socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => show("open", "open");
  socket.onmessage = ({ data }) => received(data);
  socket.onclose = ({ code, reason }) => {
    waiting.length = 0;
    burst = undefined;
    show("closed", `closed ${code}${reason ? `: ${reason}` : ""}`);
  };
}

function send(data) {
  waiting.push(performance.now());
  socket.send(data);
  sent++;
}

function received(data) {
  const now = performance.now();
  const time = now - waiting.shift();
  echoed++;
  if (burst === undefined) {
    timings.push(time);
    if (timings.length > TIMINGS) timings.shift();
    log(typeof data === "string" ? "text" : "binary", describe(data), milliseconds(time));
  } else if (--burst.left === 0) {
    const took = now - burst.began;
    const rate = Math.round(burst.messages / took * 1000);
    log(
      "burst",
      `${burst.messages} messages of ${size(data.byteLength)}, ${rate} per second`,
      milliseconds(took),
    );
    burst = undefined;
  }
  if (burst === undefined) figures();
}

function figures() {
  byId("sent").textContent = sent;
  byId("echoed").textContent = echoed;
  if (timings.length === 0) return;
  const sorted = timings.toSorted((a, b) => a - b);
  byId("last").textContent = milliseconds(timings.at(-1));
  byId("median").textContent = milliseconds(sorted[sorted.length >> 1]);
}

function log(kind, what, time) {
  const item = document.createElement("li");
  for (const [name, text] of Object.entries({ kind, what, time })) {
    const cell = document.createElement("span");
    cell.className = name;
    cell.textContent = text;
    item.append(cell);
  }
  byId("log").prepend(item);
  while (byId("log").children.length > LOG_LENGTH) byId("log").lastChild.remove();
}

function describe(data) {
  if (typeof data === "string") return data === "" ? "(empty)" : data.slice(0, TEXT_SHOWN);
  const start = [...new Uint8Array(data, 0, Math.min(8, data.byteLength))];
  const hex = start.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `${size(data.byteLength)}: ${hex}${data.byteLength > 8 ? " ..." : ""}`;
}

function size(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1024 * 1024 ? `${bytes / 1024} KiB` : `${bytes / 1024 / 1024} MiB`;
}

function milliseconds(time) {
  return `${time.toFixed(time < 10 ? 2 : 0)} ms`;
}

function randomBytes() {
  const bytes = new Uint8Array(Number(byId("size").value));
  // getRandomValues gives at most 64 KiB a call.
  for (let offset = 0; offset < bytes.length; offset += 65536) {
    crypto.getRandomValues(bytes.subarray(offset, offset + 65536));
  }
  return bytes;
}

byId("url").textContent = url;
byId("toggle").onclick = () =>
  socket.readyState === WebSocket.CLOSED ? connect() : socket.close(1000, "until next time");
byId("compose").onsubmit = (event) => {
  event.preventDefault();
  send(byId("text").value);
  figures();
};
byId("send-binary").onclick = () => {
  send(randomBytes());
  figures();
};
byId("send-burst").onclick = () => {
  if (burst !== undefined) return;
  const bytes = randomBytes();
  const messages = Math.min(BURST_MESSAGES, BURST_BYTES / bytes.length);
  burst = { messages, left: messages, began: performance.now() };
  for (let index = 0; index < messages; index++) send(bytes);
};
byId("clear").onclick = () => byId("log").replaceChildren();
connect();
