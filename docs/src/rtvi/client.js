import { PipecatClient, RTVIEvent } from "@pipecat-ai/client-js";
import { SmallWebRTCTransport } from "@pipecat-ai/small-webrtc-transport";

const client = new PipecatClient({
  transport: new SmallWebRTCTransport(),
  enableMic: true,
});
client.on(RTVIEvent.UserTranscript, ({ text, final }) => console.log("You:", text, final));
client.on(RTVIEvent.BotOutput, ({ text }) => console.log("Bot:", text));
client.on(RTVIEvent.TrackStarted, (track, participant) => {
  if (participant?.local || track.kind !== "audio") return;
  const audio = document.createElement("audio");
  audio.srcObject = new MediaStream([track]);
  audio.autoplay = true;
  document.body.append(audio);
});

await client.connect({
  webrtcRequestParams: { endpoint: "http://127.0.0.1:8000/api/offer" },
});
addEventListener("pagehide", () => client.disconnect()); // a closed tab frees its place
console.log(await client.sendClientRequest("add", [1, 2, 3])); // 6
