// Run in a page before its own scripts: keeps the connections that it makes, and the sound that
// comes over them, at 48 kHz.
(() => {
  const kept = [];
  let ready;

  const processor = `
    registerProcessor("keep", class extends AudioWorkletProcessor {
      process([input]) {
        const samples = input[0] ?? new Float32Array(128);
        this.port.postMessage(Int16Array.from(samples, (x) => Math.max(-1, Math.min(1, x)) * 32767));
        return true;
      }
    });`;

  const start = async () => {
    const context = new AudioContext({ sampleRate: 48000 });
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([processor], { type: "text/javascript" })));
    const node = new AudioWorkletNode(context, "keep", { channelCount: 1, channelCountMode: "explicit" });
    node.port.onmessage = ({ data }) => kept.push(data);
    return { context, node };
  };

  const listen = async (track) => {
    const { context, node } = await (ready ??= start());
    const stream = new MediaStream([track]);
    // Chromium decodes what comes only for an element that plays it.
    Object.assign(new Audio(), { muted: true, srcObject: stream });
    context.createMediaStreamSource(stream).connect(node);
  };

  window.peers = [];
  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Original {
    constructor(...given) {
      super(...given);
      window.peers.push(this);
      this.addEventListener("track", ({ track }) => track.kind === "audio" && listen(track));
    }
  };

  // The last seconds that were heard, as text of 16-bit samples.
  window.heard = (seconds) => {
    const last = kept.slice(-Math.ceil((seconds * 48000) / 128));
    const bytes = new Uint8Array(last.length * 256);
    last.forEach((one, index) => bytes.set(new Uint8Array(one.buffer), index * 256));
    let text = "";
    for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return btoa(text);
  };
})();
