// A call from Node with the WebRTC of @roamhq/wrtc.
//
//     node conversation.mjs URL SPOKEN HEARD
//
// Says the samples of a file again and again (16 bits, mono, 48 kHz, a multiple of 10 ms), and writes
// what it hears into another one. Ends after a turn, and prints what it has seen as JSON.

import { readFileSync, writeFileSync } from "node:fs";
import wrtc from "@roamhq/wrtc";
import { Connection } from "@fastrtc/client";

const RATE = 48_000;
const BLOCK = RATE / 100;

const [url, spoken, heardFile] = process.argv.slice(2);
const bytes = readFileSync(spoken);
const samples = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
const source = new wrtc.nonstandard.RTCAudioSource();
const heard = [];
const states = [];

const connection = new Connection({
  url,
  environment: {
    RTCPeerConnection: wrtc.RTCPeerConnection,
    MediaStream: wrtc.MediaStream,
    mediaDevices: { getUserMedia: async () => new wrtc.MediaStream([source.createTrack()]) },
  },
});
connection.on("state", ({ state }) => states.push(state));
connection.on("remote", (stream) => {
  const sink = new wrtc.nonstandard.RTCAudioSink(stream.getAudioTracks()[0]);
  // 10 ms each, of a rate that changes.
  sink.ondata = ({ samples }) => {
    const block = Int16Array.from({ length: BLOCK }, (_, at) => samples[Math.floor((at * samples.length) / BLOCK)]);
    heard.push(Buffer.from(block.buffer));
  };
});
connection.handle("show_turn", ({ turn }) => `Node shows turn ${turn}.`);

const began = performance.now();
let sent = 0;
const speaking = setInterval(() => {
  for (; sent * 10 < performance.now() - began; sent++) {
    const at = (sent * BLOCK) % samples.length;
    source.onData({
      samples: samples.slice(at, at + BLOCK),
      sampleRate: RATE,
      bitsPerSample: 16,
      channelCount: 1,
      numberOfFrames: BLOCK,
    });
  }
}, 10);

const answered = new Promise((resolve) => connection.on("transcript", resolve));
if (!(await connection.start())) throw connection.error;
const { text } = await answered;
const turns = await connection.call("count_turns");
await new Promise((resolve) => setTimeout(resolve, 2000)); // until the reply has been heard
const stats = await connection.getStats();
clearInterval(speaking);
connection.stop();
writeFileSync(heardFile, Buffer.concat(heard));
console.log(JSON.stringify({ states, text, turns, levels: connection.levels, sending: stats.sending }));
process.exit(0); // wrtc's threads would go on
