/** As much of WebRTC and of the media devices as the core touches: no document double has them. */

import { vi } from "vitest";

export class FakeTrack {
  enabled = true;
  readyState = "live";
  onended: (() => void) | null = null;
  constructor(
    readonly kind: string,
    readonly asked: unknown = null,
  ) {}
  stop(): void {
    this.readyState = "ended";
  }
}

export class FakeStream {
  constructor(readonly tracks: FakeTrack[] = []) {}
  getTracks = () => [...this.tracks];
  getAudioTracks = () => this.tracks.filter((one) => one.kind === "audio");
  getVideoTracks = () => this.tracks.filter((one) => one.kind === "video");
  addTrack = (track: FakeTrack) => this.tracks.push(track);
  removeTrack = (track: FakeTrack) => this.tracks.splice(this.tracks.indexOf(track), 1);
}

class FakeChannel {
  readyState = "connecting";
  sent: string[] = [];
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  send = (text: string) => this.sent.push(text);
  close = () => {
    this.readyState = "closed";
    this.onclose?.();
  };
}

interface FakeReceiver {
  track: FakeTrack;
  getSynchronizationSources: () => { rtpTimestamp: number }[];
}

export class FakePeer {
  static all: FakePeer[] = [];
  /** The one made last. */
  static get last(): FakePeer {
    return FakePeer.all.at(-1) as FakePeer;
  }

  channel = new FakeChannel();
  connectionState = "new";
  iceGatheringState = "new";
  localDescription: unknown = null;
  remoteDescription: unknown = null;
  transceivers: {
    kind: string;
    direction: string;
    codecs: { mimeType: string }[];
    sender: ReturnType<typeof fakeSender>;
    receiver: FakeReceiver;
  }[] = [];
  onconnectionstatechange: (() => void) | null = null;
  onicegatheringstatechange: (() => void) | null = null;
  onicecandidate: ((event: { candidate: unknown }) => void) | null = null;
  onicecandidateerror: ((event: { errorCode: number }) => void) | null = null;
  ontrack: ((event: { track: FakeTrack }) => void) | null = null;

  constructor(readonly configuration: RTCConfiguration) {
    if (configuration.iceServers?.some(({ urls }) => urls === "nonsense")) {
      throw new SyntaxError("'nonsense' is not a valid URL");
    }
    FakePeer.all.push(this);
  }

  createDataChannel = () => this.channel;
  createOffer = () => Promise.resolve({ type: "offer", sdp: "v=0" });
  getTransceivers = () => this.transceivers;
  getSenders = () => this.transceivers.map(({ sender }) => sender);
  getStats = () => Promise.resolve(new Map());
  addTransceiver(trackOrKind: FakeTrack | string, { direction }: { direction: string }) {
    const track = typeof trackOrKind === "string" ? null : trackOrKind;
    const kind = track?.kind ?? (trackOrKind as string);
    const transceiver = {
      kind,
      direction,
      codecs: [] as { mimeType: string }[],
      sender: fakeSender(track),
      receiver: {
        track: new FakeTrack(kind),
        getSynchronizationSources: () => [{ rtpTimestamp: 48_000 }],
      },
      setCodecPreferences(codecs: { mimeType: string }[]) {
        transceiver.codecs = codecs;
      },
    };
    this.transceivers.push(transceiver);
    return transceiver;
  }
  setLocalDescription(description: unknown): Promise<void> {
    this.localDescription = description;
    return Promise.resolve();
  }
  setRemoteDescription(description: unknown): Promise<void> {
    this.remoteDescription = description;
    return Promise.resolve();
  }
  close(): void {
    this.connectionState = "closed";
  }

  /** What the network does. */
  become(state: string): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
  find(candidate: string | null): void {
    this.onicecandidate?.({
      candidate: candidate && { candidate, toJSON: () => ({ candidate }) },
    });
  }

  /** What the server does. */
  connect(): void {
    this.become("connected");
    this.channel.readyState = "open";
    this.channel.onopen?.();
    for (const { receiver } of this.transceivers) this.ontrack?.(receiver);
  }
  say(message: object | string): void {
    const data = typeof message === "string" ? message : JSON.stringify(message);
    this.channel.onmessage?.({ data });
  }
}

function fakeSender(track: FakeTrack | null) {
  const sender = {
    track,
    parameters: { encodings: [{ active: true }] } as Record<string, unknown>,
    getParameters: () => structuredClone(sender.parameters),
    setParameters(parameters: Record<string, unknown>): Promise<void> {
      if ("nonsense" in parameters) return Promise.reject(new TypeError("no such parameter"));
      sender.parameters = parameters;
      return Promise.resolve();
    },
    replaceTrack(other: FakeTrack): Promise<void> {
      sender.track = other;
      return Promise.resolve();
    },
  };
  return sender;
}

/** The devices: `getUserMedia` may be given another answer. */
export const getUserMedia = vi.fn<(asked: Record<string, unknown>) => Promise<FakeStream>>();

/** Put the doubles where the core looks for the real ones. */
export function installDoubles(): void {
  FakePeer.all = [];
  getUserMedia.mockReset();
  getUserMedia.mockImplementation((asked) =>
    Promise.resolve(
      new FakeStream(Object.entries(asked).map(([kind, what]) => new FakeTrack(kind, what))),
    ),
  );
  vi.stubGlobal("MediaStream", FakeStream);
  vi.stubGlobal("RTCPeerConnection", FakePeer);
  vi.stubGlobal("RTCRtpReceiver", {
    getCapabilities: () => ({
      codecs: ["video/VP8", "video/H264", "video/AV1"].map((mimeType) => ({ mimeType })),
    }),
  });
  Object.defineProperty(navigator, "mediaDevices", {
    value: { getUserMedia },
    configurable: true,
  });
}
