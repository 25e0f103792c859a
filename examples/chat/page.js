// The page's side of the chat. What others say is put into the page as text, never as HTML.

const byId = (id) => document.getElementById(id);
let socket;

byId("join").addEventListener("submit", (event) => {
  event.preventDefault();
  const url = new URL(location.href.replace(/^http/, "ws"));
  url.searchParams.set("name", byId("name").value);
  socket = new WebSocket(url);
  socket.onopen = () => show(true);
  socket.onmessage = ({ data }) => told(JSON.parse(data));
  socket.onclose = ({ code, reason }) => {
    show(false);
    byId("state").textContent = `not connected (${code}${reason && `: ${reason}`})`;
  };
});

byId("speak").addEventListener("submit", (event) => {
  event.preventDefault();
  socket.send(byId("text").value);
  byId("text").value = "";
});

function show(inside) {
  byId("join").hidden = inside;
  byId("speak").hidden = !inside;
  byId(inside ? "text" : "name").focus();
}

function told({ name, text, notice, people }) {
  const item = document.createElement("li");
  if (notice === undefined) {
    const by = document.createElement("b");
    by.textContent = name;
    item.append(by, ` ${text}`);
  } else {
    item.className = "notice";
    item.textContent = notice;
    byId("state").textContent = people === 1 ? "only you" : `${people} people`;
  }
  byId("said").append(item);
  item.scrollIntoView();
}
