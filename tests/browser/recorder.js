// Run in a demo page before Start: keeps the sound that the page sends and receives, on one clock,
// and looks at its pictures.
async () => {
  const context = new AudioContext({ sampleRate: 48000 });
  const processor = `
    registerProcessor("keep", class extends AudioWorkletProcessor {
      process([input]) {
        const samples = input[0] ?? new Float32Array(128);
        this.port.postMessage([currentFrame, Int16Array.from(samples, (x) => Math.max(-1, Math.min(1, x)) * 32767)]);
        return true;
      }
    });`;
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([processor], { type: "text/javascript" })));
  const kept = {};
  const keep = (name, stream) => {
    if (kept[name] || !stream.getAudioTracks().length) return;
    const node = new AudioWorkletNode(context, "keep", { channelCount: 1, channelCountMode: "explicit" });
    const one = (kept[name] = { first: null, chunks: [], loudest: 0 });
    node.port.onmessage = ({ data: [frame, samples] }) => {
      one.first ??= frame;
      one.chunks.push(samples);
      for (const sample of samples) one.loudest = Math.max(one.loudest, Math.abs(sample));
    };
    context.createMediaStreamSource(stream).connect(node);
  };
  demo.client.on("local", (stream) => keep("local", stream));
  demo.client.on("remote", (stream) => keep("remote", stream));

  window.recorder = {
    seconds: (name) => ((kept[name]?.chunks.length ?? 0) * 128) / 48000,
    loudest: (name) => kept[name]?.loudest ?? 0,
    forget: () => Object.keys(kept).forEach((name) => delete kept[name]),
    // When it began, in samples of the common clock, and the samples as text.
    take: (name) => {
      const { first, chunks } = kept[name];
      const bytes = new Uint8Array(chunks.length * 256);
      chunks.forEach((chunk, index) => bytes.set(new Uint8Array(chunk.buffer), index * 256));
      let text = "";
      for (let at = 0; at < bytes.length; at += 32768) {
        text += String.fromCharCode(...bytes.subarray(at, at + 32768));
      }
      return [first, btoa(text)];
    },
  };
};
