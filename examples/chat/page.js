// The page's side of the chat. What others say is put into the page as text, never as HTML. It comes back
// when the connection is lost, to whichever node answers, and is told what was said meanwhile.

const byId = (id) => document.getElementById(id);
let socket;
let last; // the number of the message that came last
let losses = 0;

byId("join").addEventListener("submit", (event) => {
  event.preventDefault();
  enter();
});

byId("speak").addEventListener("submit", (event) => {
  event.preventDefault();
  // An empty line in front: it has nothing to do with topics.
  socket.send(`\n${byId("text").value}`);
  byId("text").value = "";
});

function enter() {
  const url = new URL(location.href.replace(/^http/, "ws"));
  url.searchParams.set("name", byId("name").value);
  socket = new WebSocket(url, "quickws.topics.1");
  socket.onopen = () => ask({ subscribe: "room", after: last });
  socket.onmessage = ({ data }) => {
    const end = data.indexOf("\n");
    told(JSON.parse(data.slice(0, end) || "{}"), data.slice(end + 1));
  };
  socket.onclose = ({ code, reason }) => {
    const wasInside = byId("join").hidden;
    show(false);
    byId("state").textContent = `not connected (${code}${reason && `: ${reason}`})`;
    // Anything up to a bound that doubles, so that not all pages come back at the same moment.
    if (wasInside || losses > 0) {
      setTimeout(enter, Math.random() * Math.min(30_000, 500 * 2 ** losses++));
    }
  };
}

function ask(request) {
  socket.send(`${JSON.stringify(request)}\n`);
}

function told(line, text) {
  if ("subscribed" in line) {
    last = line.number;
    losses = 0;
    show(true);
    byId("state").textContent = "in the room";
  } else if ("topic" in line) {
    last = line.number;
    say(JSON.parse(text));
  } else if ("missed" in line) {
    say({ notice: "what was said before is no longer known" });
  }
}

function show(inside) {
  byId("join").hidden = inside;
  byId("speak").hidden = !inside;
  byId(inside ? "text" : "name").focus();
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
