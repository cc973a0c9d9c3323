import { PipecatClient, RTVIEvent } from "@pipecat-ai/client-js";
import { SmallWebRTCTransport, WavMediaManager } from "@pipecat-ai/small-webrtc-transport";

const find = (id) => document.getElementById(id);
const audio = new Audio();
const client = new PipecatClient({
  transport: new SmallWebRTCTransport({ mediaManager: new WavMediaManager() }),
  enableMic: true,
});
Object.assign(window, { client, RTVIEvent }); // for the browser's console

function show(who, text) {
  const line = document.createElement("li");
  line.className = who;
  line.textContent = `${who === "user" ? "You" : "Bot"}: ${text}`;
  find("conversation").append(line);
}

// A function that the program calls: it shows a day of the calendar, which only this page has.
client.registerFunctionCallHandler("show_day", async ({ arguments: { day } }) => {
  const items = [...find("week").children];
  for (const item of items) item.ariaCurrent = item.dataset.day === day ? "date" : null;
  return items.find((item) => item.ariaCurrent).querySelector("span").textContent;
});

let spoken = false; // whether the bot speaks
const status = (text) => (find("status").textContent = text);

client.on(RTVIEvent.UserTranscript, ({ text, final }) => final && show("user", text));
client.on(RTVIEvent.BotOutput, ({ text }) => show("bot", text));
client.on(RTVIEvent.BotStartedSpeaking, () => {
  spoken = true;
  status("The bot speaks: interrupt it");
});
client.on(RTVIEvent.BotStoppedSpeaking, async () => {
  spoken = false;
  const turns = await client.sendClientRequest("count_turns", null);
  status(`${turns} turns: say a day`);
});
client.on(RTVIEvent.UserStartedSpeaking, () => {
  if (spoken) document.querySelector("li.bot:last-child")?.classList.add("cut");
});
client.on(RTVIEvent.Metrics, ({ ttfb }) => {
  if (ttfb) console.info(`The reply came after ${ttfb[0].value} s`);
});
client.on(RTVIEvent.Error, ({ data }) => status(data.error));
client.on(RTVIEvent.Disconnected, () => {
  status("Stopped");
  find("start").textContent = "Start";
});
client.on(RTVIEvent.TrackStarted, (track, participant) => {
  if (participant?.local || track.kind !== "audio") return;
  audio.srcObject = new MediaStream([track]);
  audio.play();
});

async function start() {
  status("Connecting");
  const { token } = await (await fetch("token")).json();
  const headers = new Headers({ Authorization: `Bearer ${token}` });
  const endpoint = new URL("api/offer", location.href).href;
  try {
    const { version } = await client.connect({ webrtcRequestParams: { endpoint, headers } });
    status(`Connected, RTVI ${version}: say a day`);
    find("start").textContent = "Stop";
  } catch (error) {
    status(`Not connected: ${error.message}`);
  }
}

addEventListener("pagehide", () => client.disconnect()); // a closed tab frees its place at once

find("start").addEventListener("click", () =>
  client.connected ? client.disconnect() : start(),
);
