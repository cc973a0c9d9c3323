// Plays a stream over WHEP: node player.mjs URL [TOKEN]. It ends after a second of audio packets.
import ndc from "node-datachannel";

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
const gathered = new Promise((resolve) => {
  pc.onGatheringStateChange((state) => state === "complete" && resolve());
});
pc.setLocalDescription();
await gathered;
const headers = { "Content-Type": "application/sdp" };
if (token) headers.Authorization = `Bearer ${token}`;
const body = pc.localDescription().sdp;
const response = await fetch(url, { method: "POST", headers, body });
if (response.status !== 201) {
  console.log(response.status);
  process.exit(1);
}
pc.setRemoteDescription(await response.text(), "answer");
await heard;
const session = new URL(response.headers.get("Location"), url);
const deleted = await fetch(session, { method: "DELETE", headers });
pc.close();
process.exit(deleted.ok ? 0 : 1);
