// Compiled with the declarations of the package: what is wrong must be an error.
import {
  Connection,
  FastRTCError,
  httpSignalling,
  listDevices,
  pushToTalk,
  type ConnectionOptions,
  type ConnectionState,
  type Environment,
  type ErrorCode,
  type Signalling,
  type Transcript,
  type TurnRecord,
} from "@fastrtc/client";

const options: ConnectionOptions = {
  url: "http://localhost:8000",
  modality: "audio-video",
  mode: "send-receive",
  transport: "auto",
  metadata: { user: "a" },
  token: () => Promise.resolve("secret"),
  reconnect: { tries: 3 },
  turnDetection: "manual",
};
const connection = new Connection(options);
connection.options = { ...connection.options, modality: "video" };

// @ts-expect-error: there is no such modality
new Connection({ modality: "sound" });
// @ts-expect-error: an option that does not exist
new Connection({ uri: "/api" });
// @ts-expect-error: the address is a string
new Connection({ url: new URL("http://localhost") });
// @ts-expect-error: a token is a string
new Connection({ token: () => 3 });

const off: () => void = connection.on("state", ({ state, error, resumed }) => {
  const known: ConnectionState = state;
  const code: ErrorCode | undefined = error?.code;
  const again: boolean = resumed;
  void [known, code, again];
  // @ts-expect-error: there is no such state
  if (state === "open") off();
});
connection.on("remote", (stream: MediaStream) => stream.getTracks());
connection.on("transcript", ({ who, text }: Transcript) => `${who}: ${text}`);
connection.on("timeline", (turn: TurnRecord) => turn.firstHeard?.toFixed(2));
connection.on("open", () => undefined);
// @ts-expect-error: there is no such event
connection.on("opened", () => undefined);
// @ts-expect-error: the detail of a log is a string
connection.on("log", (text: number) => text);
// @ts-expect-error: only the connection emits its events
connection.emit("open", undefined);

const started: Promise<boolean> = connection.start({ silent: true });
// @ts-expect-error: the state cannot be set
connection.state = "idle";
// @ts-expect-error: there may be no stream
connection.remoteStream.getTracks();
connection.handle("add", ({ a, b }: { a: number; b: number }) => a + b);
connection.handle("add", null);
const called: Promise<unknown> = connection.call("find", { name: "x" }, { timeout: 500 });
// @ts-expect-error: the result is unknown
called.then((result) => result.name);

const error = new FastRTCError("call_failed", "There is no such method.");
const other: ErrorCode = "other_version";
// @ts-expect-error: there is no such code
new FastRTCError("oops", "That was wrong.");

const environment: Environment = {
  fetch: (input, init) => fetch(input, init),
  RTCPeerConnection,
  MediaStream,
  WebSocket,
  AudioContext,
  AudioWorkletNode,
  mediaDevices: navigator.mediaDevices,
};
// @ts-expect-error: no constructor
new Connection({ environment: { WebSocket: "ws" } });

const own: Signalling = {
  websocket: null,
  offer: (body, signal) =>
    httpSignalling("/mine", { headers: { a: "b" } }, environment).offer(body, signal),
};
// @ts-expect-error: it sends no offers
const none: Signalling = { websocket: "/socket" };

const names: Promise<string[]> = listDevices(environment).then(({ microphones }) =>
  microphones.map(({ label }) => label),
);
const stop: () => void = pushToTalk(connection, document.createElement("button"), {
  changed: (how) => how?.toUpperCase(),
});
// @ts-expect-error: only an element can be pressed
pushToTalk(connection, "button");

void [started, error, other, own, none, names, stop];
