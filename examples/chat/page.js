// The client side of the chat. It inserts messages into the page as text, never as HTML. After a
// disconnection, it reconnects to any node and receives the messages that it has missed.

import { connect } from "@quickws/quickws/browser";

const byId = (id) => document.getElementById(id);
let conn;

byId("join").addEventListener("submit", (event) => {
  event.preventDefault();
  enter(byId("name").value);
});

byId("speak").addEventListener("submit", (event) => {
  event.preventDefault();
  conn.send(byId("text").value);
  byId("text").value = "";
});

async function enter(name) {
  try {
    conn = await connect(`/?name=${encodeURIComponent(name)}`, {
      reconnect: { topics: true },
      reconnecting: (_, { info }) => leave(info),
      reconnected: inside,
      close: (_, info) => leave(info),
    });
    await conn.subscribe("room", {
      message: (text) => say(JSON.parse(text)),
      missed: () => say({ notice: "earlier messages are no longer available" }),
    });
    inside();
  } catch (error) {
    byId("state").textContent = `not connected (${error.message})`;
  }
}

function inside() {
  show(true);
  byId("state").textContent = "in the room";
}

/** @param info How the connection ended; `undefined` if an attempt failed. */
function leave(info) {
  show(false);
  if (info === undefined) return;
  const { code, reason } = info;
  byId("state").textContent = `not connected (${code}${reason && `: ${reason}`})`;
}

function show(isInside) {
  byId("join").hidden = isInside;
  byId("speak").hidden = !isInside;
  byId(isInside ? "text" : "name").focus();
}

function say({ name, text, notice }) {
  const item = document.createElement("li");
  if (notice === undefined) {
    const by = document.createElement("b");
    by.textContent = name;
    item.append(by, ` ${text}`);
  } else {
    item.className = "notice";
    item.textContent = notice;
  }
  byId("said").append(item);
  item.scrollIntoView();
}
