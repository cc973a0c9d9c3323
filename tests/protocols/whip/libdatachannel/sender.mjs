// Sends as OBS does, with the library that OBS uses: node sender.mjs URL MEDIA [TOKEN]
//
// MEDIA has a line of JSON for each frame: {kind, at, data}. It is repeated until standard input
// ends. OBS sends its offer before it has candidates, and older versions of it afterwards; these
// are the harder ones, as the server's checks may come before its answer.
import { readFileSync } from "node:fs";
import ndc from "node-datachannel";
import { connect } from "./signaling.mjs";

const [url, media, token] = process.argv.slice(2);
const SECONDS = 2; // of the media
const CNAME = "cname";
const STREAM = "stream";

const pc = new ndc.PeerConnection("sender", { iceServers: [] });

function sendingTrack(description, ssrc, type, rate, createPacketizer) {
  description.addSSRC(ssrc, CNAME, STREAM, `${STREAM}-${type}`);
  const track = pc.addTrack(description);
  const config = new ndc.RtpPacketizationConfig(ssrc, CNAME, type, rate);
  const packetizer = createPacketizer(config);
  packetizer.addToChain(new ndc.RtcpSrReporter(config));
  packetizer.addToChain(new ndc.RtcpNackResponder());
  track.setMediaHandler(packetizer);
  return {
    track,
    send: (at, data) => {
      config.timestamp = Math.round(at * rate);
      track.sendMessageBinary(Buffer.from(data, "base64"));
    },
  };
}

const audio = new ndc.Audio("0", "SendOnly");
audio.addOpusCodec(111);
const video = new ndc.Video("1", "SendOnly");
video.addH264Codec(96);
const tracks = {
  audio: sendingTrack(audio, 1000, 111, 48_000, (config) => new ndc.RtpPacketizer(config)),
  video: sendingTrack(
    video,
    1001,
    96,
    90_000,
    (config) => new ndc.H264RtpPacketizer("LongStartSequence", config, 1200),
  ),
};

const failed = new Promise((_, reject) => {
  pc.onStateChange((state) => {
    if (state === "failed") reject(new Error("the connection has failed"));
  });
});
// libdatachannel says that it is connected before it opens the tracks
const opened = Object.values(tracks).map(
  ({ track }) => new Promise((resolve) => track.onOpen(resolve)),
);
const end = await connect(pc, url, token, { "User-Agent": "Mozilla/5.0 (OBS-Studio)" });
await Promise.race([Promise.all(opened), failed]);

let stopped = false;
process.stdin.on("end", () => (stopped = true)).resume();
const frames = readFileSync(media, "utf8").trim().split("\n").map(JSON.parse);
const began = performance.now();
for (let k = 0; !stopped; k += 1) {
  const { kind, at, data } = frames[k % frames.length];
  const due = at + SECONDS * Math.floor(k / frames.length);
  const wait = began + 1000 * due - performance.now();
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  tracks[kind].send(due, data);
}
await end();
