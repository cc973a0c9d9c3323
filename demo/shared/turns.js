// Shows whose turn it is, on the pages of the demos that take turns.

import { startDemo } from "./ui.js";

const TURNS = [
  ["listening", "", "Listening"],
  ["heard", "sent", "I hear you"],
  ["thinking", "", "Thinking"],
  ["speaking", "received", "Speaking"],
  ["interrupted", "sent", "Interrupted"],
];

const SENTENCES = {
  "": "Start, say a sentence and pause.",
  listening: "Your turn: say something.",
  heard: "Pause, and I answer.",
  thinking: "You have paused, so I answer.",
  speaking: "Speak again, and I stop.",
  interrupted: "You interrupted me. Go on.",
  failed: "That answer went wrong. Try another.",
};

// The page of a demo that takes turns; the options are those of `startDemo`.
export function startTurns(root, options) {
  const items = TURNS.map(([turn, className, label]) => `<li data-turn="${turn}" class="${className}">${label}</li>`);
  root.querySelector(".conversation").innerHTML = `
    <ol class="turns">${items.join("")}</ol>
    <p class="saying" aria-live="polite"></p>`;
  const client = startDemo(root, options);
  let failed = false; // whether the last reply failed

  function show(turn, sentence = turn) {
    root.dataset.turn = turn;
    root.querySelector(".saying").textContent = SENTENCES[sentence];
    for (const item of root.querySelectorAll(".turns li")) {
      item.ariaCurrent = item.dataset.turn === turn ? "step" : null;
    }
  }

  client.on("conversation", ({ state }) => {
    if (!client.active) return;
    if (state !== "listening") failed = false;
    show(state, failed ? "failed" : state);
  });
  client.on("error", () => {
    failed = client.active;
    if (failed) show("listening", "failed");
  });
  client.on("state", ({ state }) => {
    failed = false;
    if (!client.active) show("");
    else if (state === "connected") show(client.conversation.state);
  });
  show("");
}
