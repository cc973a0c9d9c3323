// --8<-- [start:connection]
import { Connection } from "/fastrtc/fastrtc.js";

const connection = new Connection({
  transport: "auto",
  token: async () => {
    const response = await fetch("/token");
    return (await response.json()).token;
  },
});
// --8<-- [end:connection]

const [button, status, meter, list, audio] = document.querySelectorAll(
  "button, span, meter, ol, audio",
);
button.onclick = () => (connection.active ? connection.stop() : connection.start());
connection.on("remote", (stream) => (audio.srcObject = stream));

// --8<-- [start:messages]
connection.handle("location", ({ exact }) => (exact ? "52.52, 13.40" : "Berlin"));
connection.on("open", async () => {
  connection.send({ type: "order", data: "tea" });
  const price = await connection.call("price_of", { item: "tea" });
  document.title = `Tea: ${price}`;
});
// --8<-- [end:messages]

// --8<-- [start:captions]
const lines = new Map();
connection.on("transcript", ({ key, who, text, final }) => {
  const line = lines.get(key) ?? list.appendChild(document.createElement("li"));
  lines.set(key, line);
  line.className = final ? who : `${who} partial`;
  line.textContent = text;
});
// --8<-- [end:captions]

// --8<-- [start:levels]
function draw() {
  meter.value = connection.levels.local?.level() ?? -60;
  requestAnimationFrame(draw);
}
draw();
// --8<-- [end:levels]

// --8<-- [start:states]
connection.on("state", ({ state, error }) => {
  button.textContent = connection.active ? "Stop" : "Start";
  status.textContent = error?.sentence ?? state;
});
connection.on("reconnecting", ({ timeLeft }) => {
  status.textContent = timeLeft ? `The call is kept for ${Math.round(timeLeft / 1000)} s` : "Lost";
});
connection.on("notice", ({ sentence }) => {
  status.title = sentence;
});
// --8<-- [end:states]
