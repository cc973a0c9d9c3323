// The connection between a page and a fastrtc stream over a WebSocket.
//
//   const client = new SocketConnection({ url: "websocket/offer" });
//   client.on("state", ({ state, error }) => ...);
//   await client.start();      // ...
//   client.stop();             // may be followed by start() again
//
// Events: state, local (MediaStream), remote (MediaStream), conversation ({ state }), message,
// error and warning (text).
// States: idle, asking, connecting, connected, stopped, failed.

import { decodeMulaw, encodeMulaw } from "./mulaw.js";

const RATE = 48_000; // Hz, for the microphone and the loudspeaker
const OLD_SERVER = { encoding: "mulaw", input_sample_rate: RATE, output_sample_rate: 24_000 };
const PING_EVERY = 1000; // ms
const MAX_UNSENT = 96_000; // bytes: one second; beyond it the network is too slow
const ACTIVE = new Set(["asking", "connecting", "connected"]);

const TURNS = { started_talking: "heard", pause_detected: "thinking", response_starting: "thinking" };

const REFUSALS = {
  concurrency_limit_reached: () => "All connections are in use. Try again when one is free.",
  connection_already_exists: () => "This connection exists already.",
  server_stopping: () => "The server is stopping or restarting. Try again in a moment.",
  unauthorized: ({ reason }) => (reason ? `The server does not let you in: ${reason}` : "The server does not let you in."),
};

export class SocketConnection {
  constructor({ url, encoding = "pcm16" }) {
    this.url = url;
    this.encoding = encoding;
    this.kinds = ["audio"];
    this.state = "idle";
    this.attempt = null;
    this.muted = false;
    this.conversation = { state: "listening" };
    this.listeners = new Map();
  }

  on(event, listener) {
    const all = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, all.add(listener));
    return () => all.delete(listener);
  }

  emit(event, detail) {
    for (const listener of this.listeners.get(event) ?? []) listener(detail);
  }

  get active() {
    return ACTIVE.has(this.state);
  }

  get levels() {
    return this.attempt?.levels ?? {};
  }

  get audio() {
    return this.attempt?.audio ?? null; // what was negotiated
  }

  setState(state, sentence = "") {
    this.state = state;
    this.emit("state", { state, error: sentence ? { sentence } : null });
  }

  setTurn(state) {
    if (this.conversation.state === state) return;
    this.conversation = { state };
    this.emit("conversation", { state });
  }

  async start() {
    if (this.active) return;
    this.conversation = { state: "listening" };
    const attempt = (this.attempt = new Attempt(this));
    try {
      await attempt.run();
    } catch (error) {
      attempt.end("failed", error.name === "NotAllowedError" ? "The microphone was not allowed." : error.message);
    }
  }

  stop() {
    this.attempt?.end("stopped");
  }

  // Whether received audio is muted.
  mute(muted) {
    this.muted = muted;
    if (this.attempt?.volume) this.attempt.volume.gain.value = muted ? 0 : 1;
  }

  async getStats() {
    return this.attempt?.stats() ?? null;
  }
}

// One connection attempt, from start to end. Events after the end are ignored.
class Attempt {
  constructor(client) {
    this.client = client;
    this.over = false;
    this.audio = null;
    this.bytes = { sent: 0, received: 0 };
    this.counted = { at: performance.now(), sent: 0, received: 0 };
    this.levels = {};
  }

  async run() {
    this.client.setState("asking");
    const constraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    const local = await navigator.mediaDevices.getUserMedia({ audio: constraints });
    if (this.over) return stopTracks(local);
    this.local = local;
    local.getTracks()[0].onended = () => this.end("failed", "The microphone was taken away.");
    this.client.emit("local", local);
    this.client.setState("connecting");
    await this.openAudio();
    if (!this.over) this.openSocket();
  }

  async openAudio() {
    const context = (this.context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" }));
    await context.resume();
    await context.audioWorklet.addModule(new URL("worklets.js", import.meta.url));
    if (this.over) return;
    const mono = { channelCount: 1, channelCountMode: "explicit", outputChannelCount: [1] };
    const source = context.createMediaStreamSource(this.local);
    const microphone = new AudioWorkletNode(context, "microphone", { ...mono, numberOfOutputs: 0, outputChannelCount: [] });
    this.loudspeaker = new AudioWorkletNode(context, "loudspeaker", { ...mono, numberOfInputs: 0 });
    const remote = context.createMediaStreamDestination();
    source.connect(microphone);
    this.volume = new GainNode(context, { gain: this.client.muted ? 0 : 1 });
    this.loudspeaker.connect(this.volume).connect(context.destination);
    this.loudspeaker.connect(remote);
    this.levels = { local: new Level(source), remote: new Level(this.loudspeaker) };
    microphone.port.onmessage = ({ data }) => this.say(data);
    this.loudspeaker.port.onmessage = ({ data }) => {
      if (data === "speaking") this.client.setTurn("speaking");
      else if (this.client.conversation.state === "speaking") this.client.setTurn("listening");
    };
    this.client.emit("remote", remote.stream);
  }

  openSocket() {
    const address = new URL(this.client.url, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = (this.socket = new WebSocket(address));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.negotiate();
    socket.onmessage = ({ data }) => !this.over && this.read(data);
    socket.onclose = ({ reason }) => {
      if (this.refusal) this.end("failed", this.refusal);
      else if (!this.audio) this.end("failed", "The server could not be reached.");
      else this.end("stopped", reason || "The server ended the connection.");
    };
  }

  // A server answers in order: if it answers the ping first, it cannot negotiate.
  negotiate() {
    const start = { event: "start", websocket_id: makeId() };
    if (this.client.encoding === "pcm16") {
      start.audio = { encoding: "pcm16", input_sample_rate: RATE, output_sample_rate: RATE, binary: true, pause: true };
    }
    this.send(start);
    this.ping();
    this.pings = setInterval(() => this.ping(), PING_EVERY);
  }

  // Once, or twice if a server answers out of order.
  begin(audio) {
    this.audio = audio;
    this.upsample = new Upsampler(RATE / audio.output_sample_rate);
    if (this.client.state !== "connected") this.client.setState("connected");
  }

  ping() {
    this.pinged = performance.now();
    this.send({ event: "ping" });
  }

  say(samples) {
    if (!this.audio || this.over || this.socket.bufferedAmount > MAX_UNSENT) return;
    if (this.audio.encoding === "mulaw") {
      this.send({ event: "media", media: { payload: toBase64(encodeMulaw(samples)) } });
    } else {
      const pcm = Int16Array.from(samples, (x) => Math.max(-1, Math.min(1, x)) * 32767);
      this.bytes.sent += pcm.byteLength;
      this.socket.send(pcm); // little-endian, as on all machines with browsers
    }
  }

  send(message) {
    const text = JSON.stringify(message);
    this.bytes.sent += text.length;
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(text);
  }

  read(data) {
    this.bytes.received += data.byteLength ?? data.length;
    if (typeof data !== "string") return this.play(Float32Array.from(new Int16Array(data), (x) => x / 32768));
    const message = JSON.parse(data);
    if (!this.audio && (message.event === "pong" || message.event === "media")) this.begin(OLD_SERVER);
    switch (message.event) {
      case "media":
        return this.play(decodeMulaw(fromBase64(message.media.payload)));
      case "started":
        return this.begin(message.audio);
      case "clear":
      case "pause":
      case "resume":
        this.loudspeaker.port.postMessage(message.event);
        return;
      case "pong":
        this.roundTrip = (performance.now() - this.pinged) / 1000;
        return;
    }
    if (message.status === "failed") {
      const { error } = message.meta;
      this.refusal = REFUSALS[error]?.(message.meta) ?? `The server refused: ${error}`;
      return;
    }
    this.client.emit("message", message);
    if (message.type === "log") this.follow(message.data);
    if (message.type === "interrupted") {
      this.client.setTurn("interrupted");
      if (this.audio === OLD_SERVER) this.loudspeaker.port.postMessage("clear"); // otherwise the server requests it
    }
    if (message.type === "error" || message.type === "warning") {
      this.client.emit(message.type, message.message ?? message.data);
    }
  }

  follow(log) {
    const interrupts = log === "started_talking" && this.client.conversation.state === "speaking";
    if (interrupts) this.client.setTurn("interrupted");
    else if (TURNS[log]) this.client.setTurn(TURNS[log]);
  }

  play(samples) {
    const all = this.upsample.process(samples);
    this.loudspeaker.port.postMessage(all, [all.buffer]);
  }

  stats() {
    const now = performance.now();
    const seconds = (now - this.counted.at) / 1000;
    const rate = (way) => ((this.bytes[way] - this.counted[way]) * 8) / seconds;
    const stats = {
      roundTrip: this.roundTrip,
      sending: rate("sent"),
      receiving: rate("received"),
      codecs: this.audio ? [{ pcm16: "PCM, 16 bits", mulaw: "mu-law" }[this.audio.encoding]] : [],
    };
    this.counted = { at: now, ...this.bytes };
    return stats;
  }

  end(state, sentence = "") {
    if (this.over) return;
    this.over = true;
    clearInterval(this.pings);
    if (this.socket?.readyState === WebSocket.OPEN) this.send({ event: "stop" });
    this.socket?.close();
    if (this.local) stopTracks(this.local);
    this.context?.close();
    this.client.setState(state, sentence);
  }
}

class Level {
  constructor(node) {
    this.analyser = new AnalyserNode(node.context, { fftSize: 2048 });
    this.samples = new Float32Array(2048);
    node.connect(this.analyser);
  }

  // In dB of full scale, as on the other pages.
  level() {
    this.analyser.getFloatTimeDomainData(this.samples);
    const power = this.samples.reduce((sum, x) => sum + x * x, 0) / this.samples.length;
    return Math.max(-60, Math.min(0, 10 * Math.log10(power + 1e-12)));
  }
}

// Interpolates linearly; keeps the last sample, so that blocks join without a click.
class Upsampler {
  constructor(factor) {
    this.factor = factor;
    this.last = 0;
  }

  process(samples) {
    if (this.factor === 1) return samples;
    const all = new Float32Array(samples.length * this.factor);
    samples.forEach((sample, index) => {
      for (let step = 0; step < this.factor; step++) {
        all[index * this.factor + step] = this.last + ((sample - this.last) * (step + 1)) / this.factor;
      }
      this.last = sample;
    });
    return all;
  }
}

// Not guessable, because any client that has it can use the connection; http has no randomUUID().
function makeId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const stopTracks = (stream) => stream.getTracks().forEach((track) => track.stop());
const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));
const fromBase64 = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
