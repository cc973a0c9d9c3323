// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Connection } from "../../client/connection";
import { FastRTCError } from "../../client/errors";
import type {
  CandidateBody,
  ConnectionOptions,
  OfferBody,
  Signalling,
  StateChange,
} from "../../client/types";
import { VERSION } from "../../client/version";
import { FakePeer, FakeStream, FakeTrack, getUserMedia, installDoubles } from "./browser_double";

const ANSWER = { sdp: "v=0", type: "answer" as const };
const UNREACHABLE = new FastRTCError("server_unreachable", "Nobody there.");

let bodies: (OfferBody | CandidateBody)[];
let answer: ReturnType<typeof vi.fn<Signalling["offer"]>>;

beforeEach(() => {
  vi.useFakeTimers();
  installDoubles();
  bodies = [];
  answer = vi.fn<Signalling["offer"]>(({ type }) =>
    Promise.resolve(type === "ice-candidate" ? { status: "success" } : ANSWER),
  );
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Make a connection that keeps the states it goes through. */
function make(options: ConnectionOptions = {}) {
  const signalling: Signalling = {
    offer: (body, signal) => {
      bodies.push(body);
      return answer(body, signal);
    },
  };
  const connection = new Connection({ signalling, ...options });
  const changes: StateChange[] = [];
  connection.on("state", (change) => changes.push(change));
  return { connection, changes, states: () => changes.map(({ state }) => state) };
}

/** Let all promises go on that can. */
const settle = () => vi.advanceTimersByTimeAsync(0);

function deferred<Value>() {
  let resolve: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((give) => (resolve = give));
  return { promise, resolve };
}

async function connected(options: ConnectionOptions = {}) {
  const made = make(options);
  const outcome = made.connection.start();
  await settle();
  FakePeer.last.connect();
  expect(await outcome).toBe(true);
  made.changes.length = 0;
  return made;
}

const offers = () => bodies.filter((body) => body.type === "offer");

describe("start", () => {
  it("asks, offers and connects", async () => {
    const { connection, changes, states } = make({ modality: "audio-video" });
    const [local, remote, open] = [vi.fn(), vi.fn(), vi.fn()];
    connection.on("local", local);
    connection.on("remote", remote);
    connection.on("open", open);
    expect(connection.state).toBe("idle");

    const outcome = connection.start();
    expect(connection.state).toBe("asking");
    await settle();
    expect(states()).toEqual(["asking", "connecting"]);
    expect(offers()).toEqual([
      {
        sdp: "v=0",
        type: "offer",
        webrtc_id: connection.id,
        resume: true,
        client_version: VERSION,
      },
    ]);
    expect(FakePeer.last.remoteDescription).toEqual(ANSWER);
    expect(FakePeer.last.transceivers.map(({ kind, direction }) => [kind, direction])).toEqual([
      ["audio", "sendrecv"],
      ["video", "sendrecv"],
    ]);

    FakePeer.last.connect();
    expect(await outcome).toBe(true);
    expect(changes.at(-1)).toMatchObject({ state: "connected", id: connection.id, error: null });
    expect(local).toHaveBeenCalledWith(connection.localStream);
    expect(remote).toHaveBeenCalledWith(connection.remoteStream);
    expect(open).toHaveBeenCalledOnce();
  });

  it("asks for no device to receive only", async () => {
    const { states } = await connected({ mode: "receive" });
    expect(getUserMedia).not.toHaveBeenCalled();
    expect(states()).toEqual([]);
    expect(FakePeer.last.transceivers[0]?.direction).toBe("recvonly");
  });

  it("only sends in mode send", async () => {
    await connected({ mode: "send" });
    expect(FakePeer.last.transceivers[0]?.direction).toBe("sendonly");
  });

  it("does nothing more while it is active", async () => {
    const { connection } = make();
    const first = connection.start();
    expect(connection.start()).toBe(first);
    await settle();
    expect(FakePeer.all).toHaveLength(1);
  });

  it("takes the id that is given, or makes another one each time", async () => {
    const { connection } = await connected({ id: "mine" });
    expect(connection.id).toBe("mine");
    const ids = new Set<string | null>();
    const another = make().connection;
    for (let times = 0; times < 3; times++) {
      void another.start();
      await settle();
      ids.add(another.id);
      another.stop();
    }
    expect(ids.size).toBe(3);
  });

  it("asks for the configuration each time", async () => {
    const rtcConfiguration = vi.fn(() => Promise.resolve({ iceServers: [] }));
    const { connection } = await connected({ rtcConfiguration });
    expect(FakePeer.last.configuration).toEqual({ iceServers: [] });
    connection.stop();
    void connection.start();
    await settle();
    expect(rtcConfiguration).toHaveBeenCalledTimes(2);
  });
});

describe("what fails", () => {
  async function failure(options: ConnectionOptions = {}): Promise<FastRTCError> {
    const { connection } = make(options);
    expect(await connection.start()).toBe(false);
    expect(connection.state).toBe("failed");
    for (const track of (await opened()).flatMap((stream) => stream.tracks)) {
      expect(track.readyState).toBe("ended");
    }
    return connection.error as FastRTCError;
  }

  const opened = () =>
    Promise.all(
      getUserMedia.mock.results.map((result) =>
        (result.value as Promise<FakeStream>).catch(() => new FakeStream()),
      ),
    );

  it("is the permission", async () => {
    getUserMedia.mockRejectedValue(Object.assign(new Error(), { name: "NotAllowedError" }));
    expect(await failure()).toMatchObject({ code: "permission_denied" });
  });

  it("is a page that is not secure", async () => {
    Object.defineProperty(navigator, "mediaDevices", { value: undefined });
    expect(await failure()).toMatchObject({ code: "insecure_page" });
  });

  it("is a refusal", async () => {
    answer.mockResolvedValue({
      status: "failed",
      meta: { error: "concurrency_limit_reached", limit: 2 },
    });
    expect(await failure()).toMatchObject({
      code: "concurrency_limit_reached",
      sentence: "All 2 connections are in use. Try again when one is free.",
    });
  });

  it("is a server that is not there", async () => {
    answer.mockRejectedValue(UNREACHABLE);
    expect(await failure()).toBe(UNREACHABLE);
  });

  it("is no answer at all, as Gradio gives it after an exception", async () => {
    answer.mockResolvedValue(null as never);
    expect(await failure()).toMatchObject({ code: "server_error" });
  });

  it.each([
    [{ iceServers: [{ urls: "nonsense" }] }],
    [() => Promise.reject(new Error("no credentials"))],
  ])("is the configuration", async (rtcConfiguration) => {
    expect(await failure({ rtcConfiguration })).toMatchObject({ code: "bad_configuration" });
  });

  it("is a server that never answers, not the network", async () => {
    answer.mockReturnValue(new Promise(() => undefined));
    const { connection } = make();
    const outcome = connection.start();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await outcome).toBe(false);
    expect(connection.error).toMatchObject({ code: "server_timeout" });
  });

  it("is a configuration that never comes", async () => {
    const { connection } = make({ rtcConfiguration: () => new Promise(() => undefined) });
    const outcome = connection.start();
    await vi.advanceTimersByTimeAsync(14_999);
    expect(connection.state).toBe("connecting");
    await vi.advanceTimersByTimeAsync(1);
    expect(await outcome).toBe(false);
    expect(connection.error).toMatchObject({ code: "server_timeout" });
  });

  it.each([
    [
      "at once",
      () => {
        FakePeer.last.become("failed");
      },
    ],
    [
      "in the end",
      () => {
        vi.advanceTimersByTime(30_000);
      },
    ],
  ])("is a network without a way, %s", async (_, happens) => {
    const { connection } = make();
    const outcome = connection.start();
    await settle();
    happens();
    expect(await outcome).toBe(false);
    expect(connection.error).toMatchObject({ code: "ice_failed" });
    expect(FakePeer.last.connectionState).toBe("closed");
  });

  describe("with a TURN server", () => {
    async function gather(options: ConnectionOptions, errorCode: number, ...found: string[]) {
      const { connection } = make(options);
      const outcome = connection.start();
      await settle();
      for (const candidate of found) FakePeer.last.find(candidate);
      FakePeer.last.onicecandidateerror?.({ errorCode });
      FakePeer.last.find(null);
      FakePeer.last.iceGatheringState = "complete";
      FakePeer.last.onicegatheringstatechange?.();
      await settle();
      return { connection, outcome };
    }

    it("is its refusal at once when there is no other way, and the server is told", async () => {
      const { connection, outcome } = await gather({}, 401);
      expect(await outcome).toBe(false);
      expect(connection.error).toMatchObject({
        code: "turn_refused",
        sentence: "The TURN server refused its username and credential (rtc_configuration).",
      });
      expect(bodies.at(-1)).toMatchObject({ candidate: { candidate: "" } });
    });

    it("is its refusal before the offer when candidates are in it", async () => {
      const { connection, outcome } = await gather({ trickle: false }, 401);
      expect(await outcome).toBe(false);
      expect(connection.error).toMatchObject({ code: "turn_refused" });
      expect(bodies).toEqual([]);
    });

    it.each([
      [401, "turn_refused"],
      [701, "ice_failed"], // it does not answer
    ])("that fails with %i is told when the other ways fail, too", async (errorCode, code) => {
      const { connection, outcome } = await gather({}, errorCode, "one");
      expect(connection.state).toBe("connecting");
      FakePeer.last.become("failed");
      expect(await outcome).toBe(false);
      expect(connection.error).toMatchObject({ code });
    });

    it("that refuses is none while another way leads to the server", async () => {
      const { outcome } = await gather({}, 401, "one");
      FakePeer.last.connect();
      expect(await outcome).toBe(true);
    });
  });
});

describe("stop", () => {
  it("releases everything, and a second start works", async () => {
    const { connection, changes } = await connected();
    const [track] = connection.localStream?.getTracks() ?? [];
    const { last } = FakePeer;
    connection.stop();
    connection.stop();
    expect(changes).toHaveLength(1);
    expect(changes[0]).toMatchObject({ state: "stopped", previous: "connected", error: null });
    expect(track?.readyState).toBe("ended");
    expect(last.connectionState).toBe("closed");
    expect(connection.localStream).toBeNull();
    expect(connection.remoteStream).toBeNull();
    expect(await connection.getStats()).toBeNull();
    expect(connection.send("late")).toBe(false);
    expect(vi.getTimerCount()).toBe(0);

    const outcome = connection.start();
    await settle();
    expect(FakePeer.last).not.toBe(last);
    FakePeer.last.connect();
    expect(await outcome).toBe(true);
  });

  it("while the device is asked for gives a late one back", async () => {
    const { promise, resolve: give } = deferred<FakeStream>();
    getUserMedia.mockReturnValue(promise);
    const { connection, states } = make();
    const outcome = connection.start();
    connection.stop();
    expect(await outcome).toBe(false);
    const late = new FakeTrack("audio");
    give(new FakeStream([late]));
    await settle();
    expect(late.readyState).toBe("ended");
    expect(states()).toEqual(["asking", "stopped"]);
    expect(FakePeer.all).toHaveLength(0);
  });

  it("while the answer is waited for cancels the request", async () => {
    answer.mockReturnValue(new Promise(() => undefined));
    const { connection, states } = make();
    void connection.start();
    await settle();
    connection.stop();
    expect(answer.mock.calls[0]?.[1]?.aborted).toBe(true);
    expect(states()).toEqual(["asking", "connecting", "stopped"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is what leaving the page does", async () => {
    const { connection, changes } = await connected();
    window.dispatchEvent(new Event("pagehide"));
    expect(FakePeer.last.connectionState).toBe("closed");
    expect(changes[0]).toMatchObject({ state: "stopped", error: null });

    // The page has come back from the browser's cache of pages.
    const outcome = connection.start();
    await settle();
    FakePeer.last.connect();
    expect(await outcome).toBe(true);
  });

  it("listens no longer for the page to be left", async () => {
    const listen = vi.spyOn(globalThis, "addEventListener");
    const { connection } = await connected();
    const [, , options] = listen.mock.calls.find(([name]) => name === "pagehide") ?? [];
    const { signal } = options as AddEventListenerOptions;
    expect(signal?.aborted).toBe(false);
    connection.stop();
    expect(signal?.aborted).toBe(true);
  });

  it("while the configuration is waited for leaves nothing behind", async () => {
    const { connection, states } = make({ rtcConfiguration: () => new Promise(() => undefined) });
    void connection.start();
    await settle();
    connection.stop();
    await settle();
    expect(states()).toEqual(["asking", "connecting", "stopped"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("before the start does nothing", () => {
    const { connection, states } = make();
    connection.stop();
    expect(states()).toEqual([]);
  });
});

describe("the server", () => {
  it("ends the stream with a reason", async () => {
    const { connection, changes } = await connected();
    const reason = vi.fn();
    connection.on("end_stream", reason);
    FakePeer.last.say({ type: "end_stream", data: "Time limit reached" });
    expect(reason).toHaveBeenCalledWith("Time limit reached");
    expect(changes).toHaveLength(1);
    expect(changes[0]).toMatchObject({ state: "stopped", error: { code: "time_limit_reached" } });
  });

  it("closes with a message or by closing the channel", async () => {
    for (const close of [
      () => {
        FakePeer.last.say({ type: "update_connection", data: "closed" });
      },
      () => {
        FakePeer.last.channel.close();
      },
    ]) {
      const { connection } = await connected();
      close();
      expect(connection.state).toBe("stopped");
      expect(connection.error).toMatchObject({ code: "ended_by_server" });
    }
  });

  it("explains with an error why it closes", async () => {
    const { connection } = await connected();
    FakePeer.last.say({ type: "error", message: "No money", data: "No money" });
    expect(connection.state).toBe("connected");
    FakePeer.last.channel.close();
    expect(connection.error).toMatchObject({ code: "handler_error", sentence: "No money" });
    expect(connection.state).toBe("failed");
  });

  it("explains it, too, when it closes before all is set up", async () => {
    const { connection } = make();
    void connection.start();
    await settle();
    FakePeer.last.say({ type: "error", message: "No money", data: "No money" });
    FakePeer.last.channel.close();
    await settle();
    expect(connection.error).toMatchObject({ code: "handler_error", sentence: "No money" });
  });

  it("says things, known and unknown", async () => {
    const { connection } = await connected();
    const heard: [string, unknown][] = [];
    connection.on("message", ({ type }) => heard.push(["message", type]));
    connection.on("log", (text) => heard.push(["log", text]));
    connection.on("warning", (text) => heard.push(["warning", text]));
    connection.on("send_input", ({ type }) => heard.push(["send_input", type]));
    FakePeer.last.say({ type: "log", data: "pause_detected" });
    FakePeer.last.say({ type: "warning", message: "careful" });
    FakePeer.last.say({ type: "send_input", data: [] });
    FakePeer.last.say({ type: "mine", data: { a: 1 } });
    expect(heard).toEqual([
      ["message", "log"],
      ["log", "pause_detected"],
      ["message", "warning"],
      ["warning", "careful"],
      ["message", "send_input"],
      ["send_input", "send_input"],
      ["message", "mine"],
    ]);
  });

  it("moves the conversation on, but not with its echo of what was sent", async () => {
    const { connection } = await connected();
    const seen: string[] = [];
    connection.on("conversation", ({ state }) => seen.push(state));
    FakePeer.last.say({ type: "log", data: "started_talking" });
    FakePeer.last.say({ type: "log", data: "Server received: pause_detected" });
    FakePeer.last.say({ type: "log", data: "pause_detected" });
    expect(seen).toEqual(["heard", "thinking"]);
    expect(connection.conversation.state).toBe("thinking");
  });

  it("shows what is said, recorded and answered, until the next start", async () => {
    const { connection } = await connected();
    const seen: unknown[] = [];
    connection.on("transcript", ({ text }) => seen.push(text));
    connection.on("recording", (active) => seen.push(active));
    connection.on("timeline", ({ number, source }) => seen.push([number, source]));
    FakePeer.last.say({ type: "transcript", data: { who: "user", text: "Hello" } });
    FakePeer.last.say({ type: "recording", data: { active: true } });
    FakePeer.last.say({ type: "log", data: "started_talking" });
    FakePeer.last.say({ type: "turn", data: { number: 7, kind: "start_up" } });
    expect(seen).toEqual(["Hello", true, [1, "page"], [1, "program"], [2, "page"]]);
    expect(connection.recording).toBe(true);
    expect(connection.transcripts).toMatchObject([{ key: 0, who: "user", text: "Hello" }]);
    connection.stop();
    expect(connection.recording).toBe(false);
    expect(connection.timeline).toMatchObject([{ kind: "start_up" }, { outcome: "completed" }]);
    void connection.start();
    expect([connection.transcripts, connection.timeline]).toEqual([[], []]);
  });

  it("is asked for its records of turns, once there is a channel and after each reconnect", async () => {
    const { connection } = make();
    connection.requestTurns();
    void connection.start();
    await settle();
    FakePeer.last.connect();
    await settle();
    const asked = (on: boolean): string => JSON.stringify({ type: "turns", data: { on } });
    expect(FakePeer.last.channel.sent).toEqual([asked(true)]);
    FakePeer.last.become("failed");
    await settle();
    await vi.advanceTimersByTimeAsync(3001);
    FakePeer.last.connect();
    await settle();
    expect(FakePeer.last.channel.sent).toEqual([asked(true)]);
    connection.requestTurns(false);
    expect(FakePeer.last.channel.sent).toEqual([asked(true), asked(false)]);
  });

  it("gets texts and objects as JSON", async () => {
    const { connection } = await connected();
    expect(connection.send("hello")).toBe(true);
    expect(connection.send({ type: "mine" })).toBe(true);
    expect(FakePeer.last.channel.sent).toEqual(['"hello"', '{"type":"mine"}']);
  });
});

describe("a lost network", () => {
  it("may come back by itself", async () => {
    const { connection, states } = await connected();
    FakePeer.last.become("disconnected");
    expect(connection.state).toBe("reconnecting");
    await vi.advanceTimersByTimeAsync(2000);
    FakePeer.last.become("connected");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(states()).toEqual(["reconnecting", "connected"]);
    expect(FakePeer.all).toHaveLength(1);
  });

  it("is followed by a new offer with a new id, the devices staying open", async () => {
    const { connection, states } = await connected({ id: "mine" });
    const local = connection.localStream;
    const lost = FakePeer.last;
    lost.become("disconnected");
    await vi.advanceTimersByTimeAsync(3001);
    expect(lost.connectionState).toBe("closed");
    expect(FakePeer.last).not.toBe(lost);
    FakePeer.last.connect();
    await settle();
    expect(states()).toEqual(["reconnecting", "connected"]);
    expect(connection.id).not.toBe("mine");
    expect(connection.localStream).toBe(local);
    expect(getUserMedia).toHaveBeenCalledOnce();
  });

  it("is noticed by its silence, sooner than the browser reports it", async () => {
    const { states } = await connected();
    const peer = FakePeer.last;
    let responsesReceived = 0;
    peer.getStats = () =>
      Promise.resolve(new Map([["pair", { type: "candidate-pair", responsesReceived }]]));
    for (const goes of [true, false, true, false, true]) {
      for (let second = 0; second < 6; second++) {
        responsesReceived += Number(goes);
        await vi.advanceTimersByTimeAsync(1000);
      }
    }
    expect(states()).toEqual(["reconnecting", "connected", "reconnecting", "connected"]);
    await vi.advanceTimersByTimeAsync(9500);
    expect(FakePeer.last).not.toBe(peer);
  });

  it("is the end of what was being said, too", async () => {
    const { connection } = await connected();
    FakePeer.last.say({ type: "log", data: "pause_detected" });
    expect(connection.conversation.state).toBe("thinking");
    const told = vi.fn();
    connection.on("conversation", told);
    FakePeer.last.become("failed");
    await settle();
    expect(told).toHaveBeenCalledWith(expect.objectContaining({ state: "listening" }));
    FakePeer.last.connect();
    await settle();
    expect(connection.conversation.state).toBe("listening");
  });

  it("is tried again, later and later, and then given up", async () => {
    const { connection } = await connected({ reconnect: { tries: 3, backOff: 1000 } });
    vi.spyOn(Math, "random").mockReturnValue(0);
    answer.mockRejectedValue(UNREACHABLE);
    FakePeer.last.become("failed");
    const made: number[] = [];
    for (const wait of [0, 999, 1, 1999, 1]) {
      await vi.advanceTimersByTimeAsync(wait);
      made.push(offers().length - 1);
    }
    expect(made).toEqual([1, 1, 2, 2, 3]);
    expect(connection.error).toMatchObject({ code: "server_gone" });
    expect(connection.state).toBe("failed");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is not tried again when that cannot help", async () => {
    const { connection } = await connected();
    answer.mockRejectedValue(new FastRTCError("forbidden", "No."));
    FakePeer.last.become("failed");
    await settle();
    expect(connection.error).toMatchObject({ code: "forbidden" });
  });

  it("waits for its own place when the server still holds it", async () => {
    const { connection } = await connected();
    answer.mockResolvedValueOnce({
      status: "failed",
      meta: { error: "concurrency_limit_reached", limit: 1 },
    });
    FakePeer.last.become("failed");
    await vi.advanceTimersByTimeAsync(1000);
    FakePeer.last.connect();
    await settle();
    expect(connection.state).toBe("connected");
  });

  it("is the end when the user stops it meanwhile", async () => {
    const { connection, changes } = await connected();
    answer.mockRejectedValue(UNREACHABLE);
    FakePeer.last.become("failed");
    await vi.advanceTimersByTimeAsync(500);
    connection.stop();
    const { length } = offers();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(offers()).toHaveLength(length);
    expect(changes.map(({ state }) => state)).toEqual(["reconnecting", "stopped"]);
  });

  it("is the end after a while when it is not to be made again", async () => {
    const { connection } = await connected({ reconnect: false });
    FakePeer.last.become("disconnected");
    await vi.advanceTimersByTimeAsync(7999);
    expect(connection.state).toBe("reconnecting");
    await vi.advanceTimersByTimeAsync(1);
    expect(connection.error).toMatchObject({ code: "connection_lost" });
    expect(FakePeer.all).toHaveLength(1);
  });
});

describe("candidates", () => {
  const candidates = () =>
    bodies.filter((body) => "candidate" in body).map((body) => body.candidate.candidate);

  it("are sent as they come, their end when all else has arrived", async () => {
    const { promise, resolve: give } = deferred<typeof ANSWER>();
    answer.mockImplementation(({ type }) =>
      type === "offer" ? promise : Promise.resolve({ status: "success" }),
    );
    const { connection } = make();
    void connection.start();
    await settle();
    FakePeer.last.find("one");
    FakePeer.last.find("two");
    FakePeer.last.find(null);
    await settle();
    expect(candidates()).toEqual(["one", "two"]);
    give(ANSWER);
    await settle();
    expect(candidates()).toEqual(["one", "two", ""]);
    expect(new Set(bodies.map((body) => body.webrtc_id))).toEqual(new Set([connection.id]));
  });

  it("may be refused without harm", async () => {
    const { connection } = await connected();
    const refused = vi.fn();
    connection.on("refused_candidate", refused);
    answer.mockResolvedValue({ status: "failed", meta: { error: "invalid_candidate_format" } });
    FakePeer.last.find("odd");
    await settle();
    expect(refused).toHaveBeenCalledWith(
      expect.objectContaining({ code: "invalid_candidate_format" }),
    );
    expect(connection.state).toBe("connected");
  });

  it("may all be in the offer instead", async () => {
    const { connection } = make({ trickle: false });
    void connection.start();
    await settle();
    expect(offers()).toHaveLength(0);
    FakePeer.last.find("one");
    FakePeer.last.iceGatheringState = "complete";
    FakePeer.last.onicegatheringstatechange?.();
    await settle();
    expect(bodies).toHaveLength(1);
  });
});

describe("rtp_params", () => {
  it("are set on what is sent", async () => {
    const { sender } =
      (await connected({
        modality: "video",
        rtpParams: {
          degradationPreference: "maintain-resolution",
          encodings: [{ maxBitrate: 500_000 }],
        },
      }),
      FakePeer.last.transceivers[0] as (typeof FakePeer.last.transceivers)[0]);
    expect(sender.parameters).toEqual({
      degradationPreference: "maintain-resolution",
      encodings: [{ active: true, maxBitrate: 500_000 }],
    });
  });

  it("order the codecs", async () => {
    await connected({ modality: "video", rtpParams: { codecs: ["video/av1", "video/h264"] } });
    const [transceiver] = FakePeer.last.transceivers;
    expect(transceiver?.codecs.map(({ mimeType }) => mimeType)).toEqual([
      "video/AV1",
      "video/H264",
      "video/VP8",
    ]);
    expect(transceiver?.sender.parameters).not.toHaveProperty("codecs");
  });

  it("that the browser does not take are told, and do no harm", async () => {
    const { connection } = make({ rtpParams: { nonsense: 1 } as object });
    const notice = vi.fn();
    connection.on("notice", notice);
    void connection.start();
    await settle();
    FakePeer.last.connect();
    await settle();
    expect(notice).toHaveBeenCalledWith(expect.objectContaining({ code: "bad_configuration" }));
    expect(connection.state).toBe("connected");
  });
});

describe("devices", () => {
  it("are chosen before the start and changed without a new offer", async () => {
    const { connection } = await connected({ devices: { microphoneId: "one" } });
    const first = FakePeer.last.transceivers[0]?.sender.track;
    expect(first?.asked).toMatchObject({ deviceId: { exact: "one" } });
    const local = vi.fn();
    connection.on("local", local);

    await connection.setMicrophone("two");
    const second = FakePeer.last.transceivers[0]?.sender.track;
    expect(second?.asked).toMatchObject({ deviceId: { exact: "two" } });
    expect(first?.readyState).toBe("ended");
    expect(connection.localStream?.getTracks()).toEqual([second]);
    expect(local).toHaveBeenCalledWith(connection.localStream);
    expect(offers()).toHaveLength(1);

    connection.stop();
    await connection.setMicrophone("three");
    expect(getUserMedia).toHaveBeenCalledTimes(2);
    void connection.start();
    await settle();
    expect(FakePeer.last.transceivers[0]?.sender.track?.asked).toMatchObject({
      deviceId: { exact: "three" },
    });
  });

  it("stay when another one cannot be opened", async () => {
    const { connection } = await connected({ devices: { microphoneId: "one" } });
    const [track] = connection.localStream?.getTracks() ?? [];
    getUserMedia.mockRejectedValueOnce(Object.assign(new Error(), { name: "NotFoundError" }));
    await expect(connection.setMicrophone("two")).rejects.toMatchObject({ code: "no_device" });
    expect(connection.localStream?.getTracks()).toEqual([track]);
    expect(track?.readyState).toBe("live");
    expect(connection.options.devices).toEqual({ microphoneId: "one" });
  });

  describe("where only one camera opens at a time", () => {
    const inUse = () => Object.assign(new Error(), { name: "NotReadableError" });

    it("are closed first", async () => {
      const { connection } = await connected({ modality: "video" });
      const [track] = connection.localStream?.getTracks() ?? [];
      getUserMedia.mockRejectedValueOnce(inUse());
      await connection.setCamera("back");
      expect(track?.readyState).toBe("ended");
      expect(connection.localStream?.getTracks()).toHaveLength(1);
    });

    it("are opened again when the other one is in use elsewhere", async () => {
      const { connection } = await connected({
        modality: "video",
        devices: { cameraId: "front" },
      });
      connection.muteCamera();
      getUserMedia.mockRejectedValueOnce(inUse()).mockRejectedValueOnce(inUse());
      await expect(connection.setCamera("back")).rejects.toMatchObject({ code: "device_in_use" });
      const [track] = (connection.localStream?.getTracks() ?? []) as unknown as FakeTrack[];
      expect(track).toMatchObject({ readyState: "live", enabled: false });
      expect(track?.asked).toMatchObject({ deviceId: { exact: "front" } });
      expect(FakePeer.last.transceivers[0]?.sender.track).toBe(track);
      expect(connection.state).toBe("connected");
      expect(connection.options.devices).toEqual({ cameraId: "front" });
    });

    it("are lost when they do not open again", async () => {
      const { connection } = await connected({ modality: "video" });
      getUserMedia.mockRejectedValue(inUse());
      await expect(connection.setCamera("back")).rejects.toMatchObject({ code: "device_in_use" });
      expect(connection.error).toMatchObject({ code: "device_lost" });
      expect(connection.state).toBe("failed");
    });
  });

  it("that are unplugged are replaced", async () => {
    const { connection } = await connected({ devices: { microphoneId: "usb" } });
    const notice = vi.fn();
    connection.on("notice", notice);
    FakePeer.last.transceivers[0]?.sender.track?.onended?.();
    await settle();
    expect(notice).toHaveBeenCalledWith(expect.objectContaining({ code: "device_lost" }));
    expect(getUserMedia.mock.lastCall?.[0]["audio"]).not.toHaveProperty("deviceId");
    expect(connection.state).toBe("connected");
  });

  it("that are unplugged are not asked for at the next start", async () => {
    const { connection } = await connected({ devices: { microphoneId: "usb" } });
    const chosen = vi.fn();
    connection.on("devices", chosen);
    FakePeer.last.transceivers[0]?.sender.track?.onended?.();
    await settle();
    expect(chosen).toHaveBeenCalledWith({ microphoneId: null });
    connection.stop();
    void connection.start();
    await settle();
    expect(getUserMedia.mock.lastCall?.[0]["audio"]).not.toHaveProperty("deviceId");
  });

  it("are all kept that are chosen in one go", async () => {
    const { connection } = await connected({ modality: "audio-video" });
    await Promise.all([connection.setMicrophone("mic"), connection.setCamera("cam")]);
    expect(connection.options.devices).toEqual({ microphoneId: "mic", cameraId: "cam" });
  });

  it("that are chosen while they are asked for are used", async () => {
    const { promise, resolve: give } = deferred<FakeStream>();
    getUserMedia.mockReturnValueOnce(promise);
    const { connection } = make();
    void connection.start();
    const choice = connection.setMicrophone("two");
    give(new FakeStream([new FakeTrack("audio")]));
    await choice;
    await settle();
    expect(FakePeer.last.transceivers[0]?.sender.track?.asked).toMatchObject({
      deviceId: { exact: "two" },
    });
    expect(connection.options.devices).toEqual({ microphoneId: "two" });
  });

  it("that are chosen are kept when those asked for do not open", async () => {
    getUserMedia.mockRejectedValueOnce(Object.assign(new Error(), { name: "NotFoundError" }));
    const { connection } = make();
    const outcome = connection.start();
    await connection.setMicrophone("two");
    expect(await outcome).toBe(false);
    expect(connection.options.devices).toEqual({ microphoneId: "two" });
  });

  it("that are unplugged without another one are the end", async () => {
    const { connection } = await connected();
    getUserMedia.mockRejectedValue(Object.assign(new Error(), { name: "NotFoundError" }));
    FakePeer.last.transceivers[0]?.sender.track?.onended?.();
    await settle();
    expect(connection.error).toMatchObject({ code: "device_lost" });
  });

  it("stay muted over an exchange and a new start", async () => {
    const { connection } = await connected();
    const mute = vi.fn();
    connection.on("mute", mute);
    const enabled = () => connection.localStream?.getAudioTracks().map((one) => one.enabled);
    connection.muteMicrophone();
    expect(mute).toHaveBeenCalledWith({ microphone: true, camera: false });
    expect(enabled()).toEqual([false]);
    await connection.setMicrophone("two");
    expect(enabled()).toEqual([false]);
    connection.stop();
    void connection.start();
    await settle();
    expect(enabled()).toEqual([false]);
    connection.muteMicrophone(false);
    expect(enabled()).toEqual([true]);
  });
});

describe("a silent start", () => {
  async function silent(options: ConnectionOptions = {}) {
    const made = make(options);
    const outcome = made.connection.start({ silent: true });
    await settle();
    FakePeer.last.connect();
    expect(await outcome).toBe(true);
    return made;
  }
  const sent = () => FakePeer.last.transceivers.map(({ sender }) => sender.track);

  it("asks for no device, and says that it is muted", async () => {
    const { connection, states } = await silent();
    expect(states()).toEqual(["connecting", "connected"]);
    expect(getUserMedia).not.toHaveBeenCalled();
    expect(FakePeer.last.transceivers[0]?.direction).toBe("sendrecv");
    expect(connection.muted).toEqual({ microphone: true, camera: false });
    await connection.setMicrophone("two");
    expect(getUserMedia).not.toHaveBeenCalled();
    connection.stop();
    expect(connection.muted).toEqual({ microphone: false, camera: false });
  });

  it("is followed by the microphone when it is unmuted", async () => {
    const { connection } = await silent({ modality: "audio-video" });
    const [mute, local] = [vi.fn(), vi.fn()];
    connection.on("mute", mute);
    connection.on("local", local);
    connection.muteMicrophone(false);
    connection.muteMicrophone(false);
    await settle();
    expect(getUserMedia).toHaveBeenCalledOnce();
    expect(Object.keys(getUserMedia.mock.lastCall?.[0] ?? {})).toEqual(["audio"]);
    expect(sent()).toMatchObject([{ kind: "audio", enabled: true }, null]);
    expect(connection.muted).toEqual({ microphone: false, camera: true });
    expect(mute).toHaveBeenLastCalledWith(connection.muted);
    expect(local).toHaveBeenCalledWith(connection.localStream);
  });

  it("goes on without a microphone that may not be used", async () => {
    const { connection } = await silent();
    const [mute, notice] = [vi.fn(), vi.fn()];
    connection.on("mute", mute);
    connection.on("notice", notice);
    getUserMedia.mockRejectedValueOnce(Object.assign(new Error(), { name: "NotAllowedError" }));
    connection.muteMicrophone(false);
    await settle();
    expect(notice).toHaveBeenCalledWith(expect.objectContaining({ code: "permission_denied" }));
    expect(mute).toHaveBeenLastCalledWith({ microphone: true, camera: false });
    expect(connection.state).toBe("connected");
  });
});

describe("manual turns", () => {
  const sent = () => FakePeer.last.channel.sent.map((text) => JSON.parse(text) as unknown);
  const isOn = () => (FakePeer.last.transceivers[0]?.sender.track as FakeTrack).enabled;
  const sayManual = () => {
    FakePeer.last.say({
      type: "conversation",
      data: { state: "listening", turn_detection: "manual" },
    });
  };

  it("opens the microphone from begin to commit once the server says so", async () => {
    const { connection } = await connected();
    const [turn, told] = [vi.fn(), vi.fn()];
    connection.on("turn", turn);
    connection.on("sent", told);
    expect([connection.turn.manual, isOn()]).toEqual([false, true]);
    sayManual();
    expect([connection.turn, isOn()]).toEqual([{ manual: true, talking: false }, false]);
    expect(connection.muted.microphone).toBe(false); // the user has not muted it
    expect(connection.begin()).toBe(true);
    expect([connection.turn.talking, isOn()]).toEqual([true, true]);
    connection.commit();
    expect([connection.turn.talking, isOn()]).toEqual([false, false]);
    await vi.advanceTimersByTimeAsync(500);
    expect(sent()).toEqual([{ type: "begin" }, { type: "commit" }]);
    expect(told).toHaveBeenLastCalledWith({ type: "commit" });
    expect(turn).toHaveBeenCalledTimes(3);
  });

  it("keeps the microphone closed from the start if the page knows", async () => {
    const { connection } = make({ turnDetection: "manual" });
    expect(connection.turn).toEqual({ manual: true, talking: false });
    const outcome = connection.start();
    await settle();
    expect(isOn()).toBe(false);
    FakePeer.last.connect();
    await outcome;
    expect(isOn()).toBe(false);
    connection.begin();
    connection.cancel();
    expect([isOn(), sent()]).toEqual([false, [{ type: "begin" }, { type: "cancel" }]]);
  });

  it("unmutes the microphone to talk, and asks for it if there is none yet", async () => {
    const { connection } = make();
    const outcome = connection.start({ silent: true });
    await settle();
    FakePeer.last.connect();
    await outcome;
    sayManual();
    expect(getUserMedia).not.toHaveBeenCalled();
    connection.begin();
    await settle();
    expect(getUserMedia).toHaveBeenCalledOnce();
    expect([connection.muted.microphone, isOn()]).toEqual([false, true]);
  });

  it("leaves the microphone on where the server decides about turns", async () => {
    const { connection } = await connected();
    connection.begin();
    connection.commit();
    expect(isOn()).toBe(true);
  });

  it("forgets a turn when the connection ends, and begins none without one", async () => {
    const { connection } = await connected({ turnDetection: "manual" });
    connection.begin();
    connection.commit();
    connection.begin();
    connection.stop();
    expect(connection.turn).toEqual({ manual: true, talking: false });
    expect(connection.begin()).toBe(false);
    connection.commit();
    connection.cancel();
    await vi.advanceTimersByTimeAsync(500);
    expect(sent().at(-1)).toEqual({ type: "begin" });
    expect(make().connection.begin()).toBe(false);
  });

  it("follows the states that the server reports", async () => {
    const { connection } = await connected();
    const states = vi.fn();
    connection.on("conversation", ({ state }) => {
      states(state);
    });
    for (const state of ["user_speaking", "end_of_turn_pending", "thinking"]) {
      FakePeer.last.say({ type: "conversation", data: { state } });
    }
    expect(states.mock.calls.flat()).toEqual(["heard", "waiting", "thinking"]);
    expect(connection.turn.manual).toBe(false);
  });
});

describe("who it is", () => {
  it("sends metadata with the offer, and the token with each request", async () => {
    const tokens: (string | null | undefined)[] = [];
    const bodies: unknown[] = [];
    const signalling: Signalling = {
      offer: (body, _, token) => {
        bodies.push(body);
        tokens.push(token);
        return Promise.resolve(ANSWER);
      },
    };
    let count = 0;
    const connection = new Connection({
      signalling,
      metadata: { page: "/" },
      token: () => Promise.resolve(`token-${++count}`),
    });
    void connection.start();
    await settle();
    expect(bodies[0]).toMatchObject({ type: "offer", metadata: { page: "/" } });
    expect(new Set(tokens)).toEqual(new Set(["token-1"]));
    connection.stop();
  });

  it("says why there is no token", async () => {
    const { connection } = make({ token: () => Promise.reject(new Error("log in")) });
    expect(await connection.start()).toBe(false);
    expect(connection.error?.code).toBe("unauthorized");
    expect(connection.error?.sentence).toBe("There is no token: log in");
  });
});

it("calls and is called over its channel", async () => {
  const { connection } = await connected();
  connection.handle("double", (value: number) => value * 2);
  const channel = FakePeer.last.channel;
  const sent: unknown[] = [];
  connection.on("sent", (message) => sent.push(message));
  const receive = (message: object) => channel.onmessage?.({ data: JSON.stringify(message) });
  receive({ type: "call", id: "s", name: "double", data: 4 });
  await settle();
  expect(sent).toEqual([{ type: "result", id: "s", data: 8 }]);
  const answered = connection.call("price");
  receive({ type: "result", id: "page-1", data: 3 });
  expect(await answered).toBe(3);
  const lost = connection.call("price");
  connection.stop();
  await expect(lost).rejects.toMatchObject({ code: "call_failed" });
});

it.each([
  ["idle", "idle_timeout"],
  ["replaced", "replaced"],
  ["time_limit", "time_limit_reached"],
  ["server", "ended_by_server"],
])("knows the code of an end: %s", async (code, expected) => {
  const { connection } = await connected();
  const data = code === "time_limit" ? "Time limit reached" : "Why";
  FakePeer.last.channel.onmessage?.({ data: JSON.stringify({ type: "end_stream", data, code }) });
  expect(connection.state).toBe("stopped");
  expect(connection.error?.code).toBe(expected);
  await settle();
});

it("tells its version, and notices once that the server has another one", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  answer.mockResolvedValue({ ...ANSWER, server_version: "98.0.0" });
  const notices: FastRTCError[] = [];
  for (let start = 0; start < 2; start++) {
    const { connection } = make({ mode: "receive" });
    connection.on("notice", (notice) => notices.push(notice));
    void connection.start();
    await settle();
    connection.stop();
  }
  expect(bodies[0]).toMatchObject({ client_version: VERSION });
  expect(notices).toMatchObject([{ code: "other_version", details: { server: "98.0.0" } }]);
  expect(warn).toHaveBeenCalledTimes(1);
});
