// Run in a page: its microphone says what `say()` plays, when the test calls it, and is silent
// otherwise. So the test waits for events of the conversation, not for times in a recording.
async (encoded) => {
  const samples = new Int16Array(Uint8Array.from(atob(encoded), (one) => one.charCodeAt(0)).buffer);
  const context = new AudioContext({ sampleRate: 48000 });
  const buffer = context.createBuffer(1, samples.length, 48000);
  buffer.copyToChannel(Float32Array.from(samples, (one) => one / 32768), 0);
  const microphone = context.createMediaStreamDestination();
  const [track] = microphone.stream.getAudioTracks();

  navigator.mediaDevices.getUserMedia = async () => new MediaStream([track.clone()]);
  // Pipecat's client throws an error if it is refused before it knows the devices: tell it at once.
  navigator.permissions.query = async () => ({ state: "granted" });
  const devices = await navigator.mediaDevices.enumerateDevices();
  navigator.mediaDevices.enumerateDevices = async () => devices;

  // Say it once; resolves when it is said.
  window.say = () =>
    new Promise((resolve) => {
      const source = new AudioBufferSourceNode(context, { buffer });
      source.addEventListener("ended", resolve);
      source.connect(microphone);
      source.start();
    });
}
