// The connection between a page and a fastrtc stream: WebRTC, and no more than WebRTC.
//
//   const client = new StreamClient({ url: "webrtc/offer", modality: "audio", mode: "send-receive" });
//   client.on("state", ({ state, text }) => ...);
//   client.on("remote", (mediaStream) => { audio.srcObject = mediaStream; });
//   await client.connect();      // ...
//   client.close();              // may be followed by connect() again
//
// Events: state, local (MediaStream), remote (MediaStream), message (object), sent (object),
// notice ({ kind, text }: what a person should read while the connection goes on).
// States: idle, asking, connecting, connected, interrupted, ended, error.

const ACTIVE = new Set(["asking", "connecting", "connected", "interrupted"]);
const ANSWER_WITHIN = 15_000; // ms that a request to the server may take
const CONNECT_WITHIN = 30_000; // ms from having the devices to being connected
const RETURN_WITHIN = 8_000; // ms that an interrupted connection gets to come back

export const KINDS = { audio: ["audio"], video: ["video"], "audio-video": ["audio", "video"] };

const DEFAULTS = {
  url: "webrtc/offer",
  modality: "audio",
  mode: "send-receive",
  constraints: {
    audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } },
  },
  rtcConfiguration: {},
  // When candidates are sent: "early" as they are found, "late" once the offer is answered,
  // "none" not one by one, but all within the offer.
  trickle: "early",
};

export class StreamClient {
  constructor(options = {}) {
    this.options = { ...DEFAULTS, ...options };
    this.state = "idle";
    this.attempt = null;
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

  get id() {
    return this.attempt?.id ?? null;
  }

  get peer() {
    return this.attempt?.peer ?? null;
  }

  setState(state, text = "") {
    this.state = state;
    this.emit("state", { state, text });
  }

  // Resolves when the offer was answered or the attempt is over; it never rejects:
  // what went wrong is told by the state "error".
  async connect() {
    if (this.active) return;
    const attempt = new Attempt(this);
    this.attempt = attempt;
    try {
      await attempt.run();
    } catch (error) {
      attempt.fail(error instanceof Problem ? error.message : `Something went wrong: ${error.message}`);
    }
  }

  close(text = "") {
    this.attempt?.end("ended", text);
  }

  // Sends an object as JSON on the data channel; false while there is none.
  send(message) {
    return this.attempt?.send(message) ?? false;
  }

  async stats() {
    return this.attempt ? this.attempt.stats() : null;
  }
}

// One way from Start to its end. Whatever arrives after the end is ignored.
class Attempt {
  constructor(client) {
    this.client = client;
    this.options = client.options;
    this.id = makeId();
    this.kinds = KINDS[this.options.modality];
    this.over = false;
    this.abort = new AbortController();
    this.waiting = []; // candidates found before they may be sent
    this.answered = false;
    this.timer = 0;
    this.previous = null; // byte counts of the last statistics
  }

  async run() {
    if (!("RTCPeerConnection" in window)) throw new Problem("This browser cannot do WebRTC.");
    if (this.options.mode !== "receive") {
      this.client.setState("asking");
      const local = await askForDevices(this.kinds, this.options.constraints);
      if (this.over) return stopTracks(local);
      this.local = local;
      for (const track of local.getTracks()) {
        track.onended = () => this.fail(`The ${NAMES[track.kind]} was taken away or unplugged.`);
      }
      this.client.emit("local", local);
    }
    this.client.setState("connecting");
    this.expect(CONNECT_WITHIN, "No way to the server was found: a firewall may be between.");
    this.openPeer();
    await this.peer.setLocalDescription(await this.peer.createOffer());
    if (this.options.trickle === "none") await gathered(this.peer);
    if (this.over) return;
    const answer = await this.post({
      sdp: this.peer.localDescription.sdp,
      type: this.peer.localDescription.type,
      webrtc_id: this.id,
    });
    if (this.over) return;
    await this.peer.setRemoteDescription(answer);
    this.answered = true;
    this.waiting.splice(0).forEach((candidate) => this.trickle(candidate));
  }

  openPeer() {
    const peer = (this.peer = new RTCPeerConnection(this.options.rtcConfiguration));
    // The channel comes from this side: the server speaks on the one that it finds.
    const channel = (this.channel = peer.createDataChannel("text"));
    channel.onmessage = ({ data }) => !this.over && this.read(data);
    channel.onclose = () => this.lost("The server ended the connection.");

    const received = new MediaStream();
    peer.ontrack = ({ track, streams }) => {
      if (!streams.length) received.addTrack(track);
      if (!this.over) this.client.emit("remote", streams[0] ?? received);
    };
    peer.onicecandidate = ({ candidate }) => {
      if (!candidate || this.over || this.options.trickle === "none") return;
      if (this.options.trickle === "late" && !this.answered) this.waiting.push(candidate);
      else this.trickle(candidate);
    };
    peer.onconnectionstatechange = () => this.follow(peer.connectionState);

    for (const kind of this.kinds) {
      const [track] = this.local?.getTracks().filter((one) => one.kind === kind) ?? [];
      if (!track) peer.addTransceiver(kind, { direction: "recvonly" });
      else if (this.options.mode === "send") {
        peer.addTransceiver(track, { direction: "sendonly", streams: [this.local] });
      } else peer.addTrack(track, this.local);
    }
  }

  follow(state) {
    if (this.over) return;
    if (state === "connected") {
      clearTimeout(this.timer);
      this.connectedOnce = true;
      this.client.setState("connected");
    } else if (state === "disconnected") {
      this.client.setState("interrupted");
      this.expect(RETURN_WITHIN, "The connection was lost: the server does not answer any more.");
    } else if (state === "failed") {
      this.lost(
        this.connectedOnce
          ? "The connection was lost: the server does not answer any more."
          : "No way to the server was found: a firewall may be between.",
      );
    } else if (state === "closed") this.lost("The server ended the connection.");
  }

  expect(within, otherwise) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fail(otherwise), within);
  }

  // Messages of the server: JSON with a `type`; programs may invent types of their own.
  read(text) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      message = { type: "text", data: text };
    }
    this.client.emit("message", message);
    const said = message.message ?? message.data;
    if (message.type === "end_stream") this.end("ended", said ? `Ended by the server: ${said}` : "Ended by the server");
    else if (message.type === "update_connection" && message.data === "closed") {
      this.end("ended", "Ended by the server");
    } else if (message.type === "error" || message.type === "warning") {
      if (message.type === "error") this.complaint = { text: String(said), at: performance.now() };
      this.client.emit("notice", { kind: message.type, text: String(said) });
    }
  }

  send(message) {
    if (this.channel?.readyState !== "open") return false;
    this.channel.send(JSON.stringify(message));
    this.client.emit("sent", message);
    return true;
  }

  async trickle(candidate) {
    try {
      await this.post({ candidate: candidate.toJSON(), webrtc_id: this.id, type: "ice-candidate" });
    } catch (problem) {
      // Any one may be refused as long as another leads there; the log shows it.
      if (!this.over) this.client.emit("message", { type: "candidate refused", data: problem.message });
    }
  }

  async post(body) {
    let response;
    let answer;
    try {
      response = await fetch(this.options.url, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
        signal: AbortSignal.any([this.abort.signal, AbortSignal.timeout(ANSWER_WITHIN)]),
      });
      answer = await response.json();
    } catch (error) {
      if (this.over) throw new Problem("The connection was closed.");
      if (error.name === "TimeoutError") throw new Problem("The server took too long to answer.");
      if (!response) throw new Problem("The server cannot be reached. Is it running?");
      throw new Problem(httpSentence(response.status));
    }
    if (!response.ok) throw new Problem(httpSentence(response.status));
    if (answer?.status === "failed") throw new Problem(refusalSentence(answer.meta));
    return answer;
  }

  async stats() {
    if (this.over || !this.peer) return null;
    const report = await this.peer.getStats();
    const now = summarise(report);
    const before = this.previous;
    this.previous = now;
    const seconds = before ? (now.at - before.at) / 1000 : 0;
    const rate = (name) => (seconds > 0 ? Math.max(0, ((now[name] - before[name]) * 8) / seconds) : null);
    return { ...now, sending: rate("bytesOut"), receiving: rate("bytesIn") };
  }

  lost(text) {
    // An error that the server told just before explains more than the loss.
    const recent = this.complaint && performance.now() - this.complaint.at < 2000;
    this.fail(recent ? this.complaint.text : text);
  }

  fail(text) {
    this.end("error", text);
  }

  end(state, text) {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.timer);
    this.abort.abort();
    if (this.local) {
      for (const track of this.local.getTracks()) track.onended = null;
      stopTracks(this.local);
    }
    this.channel?.close();
    this.peer?.close();
    this.client.setState(state, text);
  }
}

// An error whose message is a sentence for people.
class Problem extends Error {}

const NAMES = { audio: "microphone", video: "camera" };

async function askForDevices(kinds, constraints) {
  const devices = kinds.map((kind) => NAMES[kind]).join(" and ");
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Problem(
      `A page may use the ${devices} only over https, or from this very machine (http://127.0.0.1).`,
    );
  }
  try {
    return await navigator.mediaDevices.getUserMedia(
      Object.fromEntries(kinds.map((kind) => [kind, constraints[kind] ?? true])),
    );
  } catch (error) {
    throw new Problem(deviceSentence(error, devices));
  }
}

function deviceSentence(error, devices) {
  switch (error.name) {
    case "NotAllowedError":
    case "SecurityError":
      return `This page may not use the ${devices}. Allow it in the browser (the icon beside the address) and try again.`;
    case "NotFoundError":
    case "DevicesNotFoundError":
      return `No ${devices} was found. Plug one in and try again.`;
    case "NotReadableError":
    case "AbortError":
      return `The ${devices} could not be opened. Another program may be using it.`;
    case "OverconstrainedError":
      return `The ${devices} cannot do what this page asks for (${error.constraint}).`;
    default:
      return `The ${devices} could not be opened: ${error.message || error.name}.`;
  }
}

function refusalSentence(meta = {}) {
  switch (meta.error) {
    case "concurrency_limit_reached": {
      const places = meta.limit === 1 ? "The only place is taken" : `All ${meta.limit} places are taken`;
      return `${places}. Try again when someone has left.`;
    }
    case "connection_already_exists":
      return "The server already has a connection of this name. Try again.";
    case "unknown_connection":
      return "The server does not know this connection (any more).";
    case "connection_closed":
      return "The server has already closed this connection.";
    case "invalid_candidate_format":
      return "The server could not read an address of this browser.";
    default:
      return `The server refused the connection${meta.error ? `: ${meta.error}` : ""}.`;
  }
}

function httpSentence(status) {
  if (status === 404 || status === 405) return "There is no stream at this address.";
  if (status === 422) return "The server did not understand the offer.";
  if (status === 401 || status === 403) return "The server does not let this page connect.";
  if (status === 502 || status === 503 || status === 504) return "The server is not available just now.";
  if (status >= 500) return `The server had an error (${status}). Its log says more.`;
  return `The server gave an unexpected answer (${status}).`;
}

function summarise(report) {
  const result = { at: 0, bytesIn: 0, bytesOut: 0, packets: 0, lost: 0, roundTrip: null, picture: null };
  const codecs = new Set();
  for (const entry of report.values()) {
    result.at = Math.max(result.at, entry.timestamp);
    if (entry.type === "candidate-pair" && entry.nominated && entry.state === "succeeded") {
      result.roundTrip = entry.currentRoundTripTime ?? null;
    } else if (entry.type === "inbound-rtp") {
      result.bytesIn += entry.bytesReceived ?? 0;
      result.packets += entry.packetsReceived ?? 0;
      result.lost += entry.packetsLost ?? 0;
      if (entry.frameWidth) {
        result.picture = [entry.frameWidth, entry.frameHeight, entry.framesPerSecond ?? 0];
      }
    } else if (entry.type === "outbound-rtp") result.bytesOut += entry.bytesSent ?? 0;
    if (entry.codecId && report.get(entry.codecId)) {
      codecs.add(report.get(entry.codecId).mimeType.split("/")[1]);
    }
  }
  return { ...result, codecs: [...codecs] };
}

function gathered(peer) {
  return new Promise((resolve) => {
    const look = () => peer.iceGatheringState === "complete" && resolve();
    peer.addEventListener("icegatheringstatechange", look);
    peer.addEventListener("signalingstatechange", () => peer.signalingState === "closed" && resolve());
    look();
  });
}

function stopTracks(stream) {
  for (const track of stream.getTracks()) track.stop();
}

function makeId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
