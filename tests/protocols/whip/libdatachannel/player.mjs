// Plays a stream over WHEP: node player.mjs URL [TOKEN]. It ends after a second of audio packets.
import ndc from "node-datachannel";
import { connect } from "./signaling.mjs";

const [url, token] = process.argv.slice(2);
const PACKETS = 50;
const OPUS = 111;

const pc = new ndc.PeerConnection("player", { iceServers: [] });
const audio = new ndc.Audio("0", "RecvOnly");
audio.addOpusCodec(OPUS);
const track = pc.addTrack(audio);
track.setMediaHandler(new ndc.RtcpReceivingSession());
const heard = new Promise((resolve) => {
  let packets = 0;
  track.onMessage((packet) => {
    packets += (packet[1] & 127) === OPUS ? 1 : 0;
    if (packets === PACKETS) resolve();
  });
});
const end = await connect(pc, url, token);
await heard;
await end();
