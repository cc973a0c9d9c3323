import { Connection } from "/fastrtc/fastrtc.js";

const STATES = {
  idle: "Ready",
  asking: "Allow the microphone in your browser",
  connecting: "Connecting",
  reconnecting: "Connection lost, reconnecting",
  stopped: "Stopped",
  failed: "Not connected",
};

const TURNS = {
  listening: "Listening",
  heard: "Hearing you",
  waiting: "Waiting for you to finish",
  thinking: "Thinking",
  speaking: "Speaking",
  paused: "Paused, listening to you",
  resumed: "Going on",
  interrupted: "Interrupted",
};

const NAMES = { user: "You", assistant: "Assistant" }; // for screen readers

const find = (selector) => document.querySelector(selector);
const captions = find(".captions");

const connection = new Connection({
  modality: "audio",
  mode: "send-receive",
  transport: "auto", // a WebSocket where the network blocks WebRTC
});

find(".talk").onclick = () => (connection.active ? connection.stop() : connection.start());

connection.on("state", ({ state, error }) => {
  if (state === "asking") captions.replaceChildren();
  find(".welcome").hidden = connection.active || captions.hasChildNodes();
  find(".microphone").toggleAttribute("hidden", connection.active);
  find(".square").toggleAttribute("hidden", !connection.active);
  find(".talk").setAttribute("aria-label", connection.active ? "Stop" : "Start");
  if (state === "asking" || error) notify(); // of the last connection; the status says the error
  update();
});
connection.on("conversation", update);
connection.on("remote", (stream) => (find("audio").srcObject = stream));

function update() {
  const { state, error, conversation } = connection;
  Object.assign(find(".app").dataset, { state, turn: conversation.state });
  const text = state === "connected" ? TURNS[conversation.state] : STATES[state];
  find(".status").textContent = error?.sentence ?? text;
}

// Problems that do not end the connection, in sentences for the user.
connection.on("notice", ({ sentence }) => notify(sentence));
connection.on("warning", notify);
connection.on("error", notify);

function notify(sentence = "") {
  find(".notice").textContent = sentence;
  find(".notice").hidden = !sentence;
}

// What both sides say. A new version of a text has the same key; an empty one withdraws it.

const lines = new Map();

connection.on("transcript", ({ key, who, text, final, interrupted }) => {
  let line = lines.get(key);
  if (!line) {
    line = document.createElement("p");
    line.dataset.who = who;
    line.dir = "auto";
    line.innerHTML = "<bdi></bdi> <span></span>";
    line.firstChild.textContent = NAMES[who];
    lines.set(key, line);
    captions.append(line);
  }
  line.lastChild.textContent = text;
  line.toggleAttribute("data-partial", !final);
  line.toggleAttribute("data-interrupted", interrupted);
  if (!text) line.remove();
  captions.scrollTop = captions.scrollHeight;
});

// The level of both sides, from 0 (a quiet room) to 1 (clear speech).

function draw() {
  for (const side of ["local", "remote"]) {
    const decibels = connection.levels[side]?.level() ?? -60;
    const level = Math.min(1, Math.max(0, (decibels + 52) / 40));
    find(`[data-side=${side}]`).style.setProperty("--fastrtc-level", level.toFixed(3));
  }
  requestAnimationFrame(draw);
}

draw();
