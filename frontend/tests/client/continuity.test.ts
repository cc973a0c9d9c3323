// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Connection } from "../../client/connection";
import { FastRTCError } from "../../client/errors";
import type {
  Answer,
  CandidateBody,
  ConnectionOptions,
  OfferBody,
  Refusal,
  Signalling,
  StateChange,
} from "../../client/types";
import { FakePeer, getUserMedia, installDoubles } from "./browser_double";

const UNREACHABLE = new FastRTCError("server_unreachable", "Nobody there.");
const REFUSED: Refusal = { status: "failed", meta: { error: "resume_refused" } };

let bodies: (OfferBody | CandidateBody)[];
/** Answers the next offers. */
let answer: (body: OfferBody) => Promise<Answer | Refusal>;
let secrets: number;
const connections: Connection[] = [];
/** The messages that the server has received. */
let received: number | undefined;

function granting(body: OfferBody): Promise<Answer> {
  const resumed = typeof body.resume === "string" && { resumed: true, received };
  const resume = { secret: `s${++secrets}`, within_s: 30, ...resumed };
  return Promise.resolve({ sdp: "v=0", type: "answer", resume });
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0);
  installDoubles();
  bodies = [];
  secrets = 0;
  received = undefined;
  answer = granting;
});

afterEach(() => {
  for (const connection of connections.splice(0)) connection.stop();
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

function deferred<Value>() {
  let resolve: (value: Value) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<Value>((one, other) => {
    [resolve, reject] = [one, other];
  });
  return { promise, resolve, reject };
}

const settle = () => vi.advanceTimersByTimeAsync(0);
const offers = () => bodies.filter((body): body is OfferBody => body.type === "offer");

async function connected(options: ConnectionOptions = {}) {
  const signalling: Signalling = {
    offer: (body) => {
      bodies.push(body);
      return "sdp" in body ? answer(body) : Promise.resolve({ status: "success" });
    },
  };
  const connection = new Connection({ signalling, ...options });
  connections.push(connection);
  const changes: StateChange[] = [];
  const outcome = connection.start();
  await settle();
  FakePeer.last.connect();
  expect(await outcome).toBe(true);
  connection.on("state", (change) => changes.push(change));
  return { connection, changes, states: () => changes.map(({ state }) => state) };
}

/** The first connection, which has failed, and the one after it. */
async function lost(options: ConnectionOptions = {}) {
  const made = await connected(options);
  const former = FakePeer.last;
  former.become("disconnected");
  await vi.advanceTimersByTimeAsync(1000);
  return { ...made, former };
}

describe("a session", () => {
  it("is resumed with its id and secret, the devices and the conversation going on", async () => {
    const { connection, changes, former } = await lost();
    const { id } = connection;
    expect(FakePeer.last).not.toBe(former);
    expect(former.connectionState).toBe("disconnected"); // closed, it would end the session
    expect(offers().at(-1)).toMatchObject({
      ...{ webrtc_id: id, resume: "s1", received: 0, heard: 48_000 },
    });
    FakePeer.last.connect();
    await settle();
    expect(former.connectionState).toBe("closed");
    expect(changes).toMatchObject([
      { state: "reconnecting", resumed: false },
      { state: "connected", previous: "reconnecting", resumed: true, id },
    ]);
    expect(getUserMedia).toHaveBeenCalledOnce();
    const senders = FakePeer.all.map(({ transceivers }) => transceivers[0]?.sender.track);
    expect(senders[0]).toBe(senders[1]);

    FakePeer.last.become("failed");
    await settle();
    expect(offers().at(-1)).toMatchObject({ webrtc_id: id, resume: "s2" });
  });

  it("keeps the state of its conversation and of its turn", async () => {
    const { connection } = await connected({ turnDetection: "manual" });
    connection.begin();
    FakePeer.last.say({ type: "conversation", data: { state: "thinking" } });
    FakePeer.last.become("failed");
    await settle();
    FakePeer.last.connect();
    await settle();
    expect(connection.conversation.state).toBe("thinking");
    expect(connection.turn).toEqual({ manual: true, talking: true });
  });

  it("gets the candidates of a new connection after its answer only", async () => {
    const { promise, resolve } = deferred<Answer>();
    answer = (body) => (body.resume === true ? granting(body) : promise);
    await lost();
    FakePeer.last.find("one");
    await settle();
    expect(bodies.at(-1)?.type).toBe("offer");
    resolve(await granting(offers().at(-1) as OfferBody));
    await settle();
    expect(bodies.at(-1)).toMatchObject({ candidate: { candidate: "one" } });
  });

  it("tells its progress", async () => {
    const { connection } = await connected();
    const told: unknown[] = [];
    connection.on("reconnecting", (progress) => told.push(progress));
    answer = () => Promise.reject(UNREACHABLE);
    FakePeer.last.become("disconnected");
    await vi.advanceTimersByTimeAsync(1600);
    expect(told).toMatchObject([
      { attempt: 0, resumes: true, timeLeft: 30_000 },
      { attempt: 1, resumes: true },
      { attempt: 2, resumes: true },
    ]);
    expect(connection.reconnecting?.timeLeft).toBeCloseTo(28_400, -2);
    connection.stop();
    expect(connection.reconnecting).toBeNull();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("uses the newest secret when a connection fails after its answer", async () => {
    await lost();
    FakePeer.last.become("failed"); // ICE finds no route
    await vi.advanceTimersByTimeAsync(500);
    expect(offers().at(-1)?.resume).toBe("s2");
    FakePeer.last.connect();
    await settle();
    expect(offers()).toHaveLength(3);
  });

  it("is followed by a new one when the server refuses it", async () => {
    const { connection, former, changes } = await lost();
    const { id } = connection;
    FakePeer.last.become("failed");
    answer = (body) => (body.resume === true ? granting(body) : Promise.resolve(REFUSED));
    await vi.advanceTimersByTimeAsync(500);
    expect(offers().at(-1)?.resume).toBe(true);
    expect(former.connectionState).toBe("closed");
    expect(connection.id).not.toBe(id);
    FakePeer.last.connect();
    await settle();
    expect(changes.at(-1)).toMatchObject({ state: "connected", resumed: false });
  });

  it("is followed by a new one when it is kept no longer", async () => {
    const { connection } = await connected();
    const { id } = connection;
    answer = () => Promise.reject(UNREACHABLE);
    FakePeer.last.become("failed");
    await vi.advanceTimersByTimeAsync(29_900);
    expect(offers().at(-1)).toMatchObject({ webrtc_id: id, resume: "s1" });
    await vi.advanceTimersByTimeAsync(200);
    expect(offers().at(-1)).toMatchObject({ resume: true });
    expect(offers().at(-1)?.webrtc_id).not.toBe(id);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(connection.error).toMatchObject({ code: "server_gone" });
  });

  it("is the end if no new one is wanted", async () => {
    const { connection } = await connected({ reconnect: { newSession: false } });
    answer = () => Promise.resolve(REFUSED);
    FakePeer.last.become("failed");
    await settle();
    expect(connection.state).toBe("failed");
    expect(connection.error).toMatchObject({ code: "resume_refused" });
    expect(offers()).toHaveLength(2);
  });

  it("goes on over a connection that returns before an attempt succeeds", async () => {
    answer = (body) => (body.resume === true ? granting(body) : Promise.reject(UNREACHABLE));
    const { connection, former, changes } = await lost();
    await settle();
    former.become("connected");
    await settle();
    expect(changes.at(-1)).toMatchObject({ state: "connected", resumed: true });
    expect(connection.peer).toBe(former);
    expect(connection.send("there")).toBe(true);
    expect(former.channel.sent).toEqual(['"there"']);

    // A late attempt reaches the server after all, and replaces the connection.
    answer = granting;
    former.say({ type: "end_stream", data: "Replaced", code: "replaced" });
    await settle();
    FakePeer.last.connect();
    await settle();
    expect(changes.at(-1)).toMatchObject({ state: "connected", resumed: true });
  });

  it("goes on over a connection that returns before an attempt has a new one", async () => {
    let asked = 0;
    const rtcConfiguration = () =>
      asked++ === 0 ? Promise.resolve(null) : new Promise<never>(() => undefined);
    const { connection, former, changes } = await lost({ rtcConfiguration });
    expect([asked, FakePeer.all.length]).toEqual([2, 1]);
    former.become("connected");
    await vi.advanceTimersByTimeAsync(2500); // the attempt is given up
    expect(changes.at(-1)).toMatchObject({ state: "connected", resumed: true });
    expect(former.connectionState).toBe("connected");
    expect(connection.send("there")).toBe(true);
    expect(former.channel.sent).toEqual(['"there"']);
  });

  it("ends when it is opened in another window", async () => {
    const { connection } = await connected();
    FakePeer.last.say({ type: "end_stream", data: "Replaced", code: "replaced" });
    expect(connection.state).toBe("stopped");
    expect(connection.error).toMatchObject({ code: "replaced" });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(offers()).toHaveLength(1);
  });

  it("ends when that has happened during a loss, rather than beginning anew", async () => {
    answer = (body) => (body.resume === true ? granting(body) : Promise.reject(UNREACHABLE));
    const { connection, former } = await lost();
    await settle();
    former.say({ type: "end_stream", data: "Replaced", code: "replaced" });
    answer = () => Promise.resolve(REFUSED);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(connection.state).toBe("stopped");
    expect(connection.error).toMatchObject({ code: "replaced" });
  });

  it("is tried when the server closes without a word, and ends when it is gone", async () => {
    const { connection, states } = await connected();
    FakePeer.last.channel.close();
    await settle();
    FakePeer.last.connect();
    await settle();
    expect(states()).toEqual(["reconnecting", "connected"]);

    answer = () => Promise.resolve(REFUSED);
    FakePeer.last.channel.close();
    await settle();
    expect(connection.state).toBe("stopped");
    expect(connection.error).toMatchObject({ code: "ended_by_server" });
    expect(offers()).toHaveLength(3);
  });

  it("is not resumed after the server or the user has ended it", async () => {
    for (const end of [
      () => {
        FakePeer.last.say({ type: "end_stream", data: "Time limit reached", code: "time_limit" });
      },
      (connection: Connection) => {
        connection.stop();
      },
    ]) {
      bodies = [];
      const { connection } = await connected();
      end(connection);
      await vi.advanceTimersByTimeAsync(60_000);
      expect(connection.state).toBe("stopped");
      expect(offers()).toHaveLength(1);
    }
  });

  it("is not asked for without reconnects, or if the page does not want it", async () => {
    for (const options of [{ resume: false }, { reconnect: false }]) {
      await connected(options);
      expect(offers().at(-1)).not.toHaveProperty("resume");
    }
  });

  it("is resumed at once when the network or the page is back", async () => {
    answer = (body) => (body.resume === true ? granting(body) : Promise.reject(UNREACHABLE));
    await connected();
    FakePeer.last.become("disconnected");
    await vi.advanceTimersByTimeAsync(100);
    window.dispatchEvent(new Event("online"));
    await settle();
    expect(offers()).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(600);
    expect(offers()).toHaveLength(3); // after 500 ms; the next is due after another 1000
    await vi.advanceTimersByTimeAsync(500);
    document.dispatchEvent(new Event("visibilitychange"));
    await settle();
    expect(offers()).toHaveLength(4);
  });

  it("is resumed over the other network when it changes during an attempt", async () => {
    answer = (body) => (body.resume === true ? granting(body) : new Promise(() => undefined));
    await lost();
    await vi.advanceTimersByTimeAsync(800);
    answer = granting;
    window.dispatchEvent(new Event("online"));
    await settle();
    expect(offers()).toHaveLength(3);
    FakePeer.last.connect();
    await settle();
    expect(vi.getTimerCount()).toBeGreaterThan(0); // watches for silence
    expect(FakePeer.all.filter((peer) => peer.connectionState === "connected")).toHaveLength(1);
  });

  it("is a new one with a server that does not know it", async () => {
    const { connection, changes } = await lost();
    FakePeer.last.become("failed");
    answer = () => Promise.resolve({ sdp: "v=0", type: "answer" });
    await vi.advanceTimersByTimeAsync(500);
    FakePeer.last.connect();
    await settle();
    expect(changes.at(-1)).toMatchObject({ state: "connected", resumed: false });
    FakePeer.last.become("failed");
    await settle();
    expect(offers().at(-1)?.resume).toBe(true);
    expect(connection.state).toBe("reconnecting");
  });
});

describe("messages", () => {
  const numbers = (peer = FakePeer.last) =>
    peer.channel.sent.map((text) => (JSON.parse(text) as { n?: number }).n);

  it("that the server has not received are sent again, in order", async () => {
    const { connection } = await connected();
    for (const n of [1, 2, 3]) connection.send({ type: "mine", n });
    received = 1;
    FakePeer.last.become("failed");
    await settle();
    FakePeer.last.connect();
    await settle();
    connection.send({ type: "mine", n: 4 });
    expect(numbers()).toEqual([2, 3, 4]);
  });

  it("that the client has received are counted, also late ones, and read once", async () => {
    const { promise, resolve } = deferred<Answer>();
    const { connection } = await connected();
    const heard: unknown[] = [];
    connection.on("message", ({ data }) => heard.push(data));
    const former = FakePeer.last;
    former.say({ type: "mine", data: 1 });
    answer = () => promise;
    former.become("disconnected");
    former.say({ type: "mine", data: 2 });
    await vi.advanceTimersByTimeAsync(1000);
    expect(offers().at(-1)?.received).toBe(2);
    former.say({ type: "mine", data: 3 }); // too late to be counted: sent again
    resolve(await granting(offers().at(-1) as OfferBody));
    await settle();
    FakePeer.last.connect();
    FakePeer.last.say({ type: "mine", data: 3 });
    FakePeer.last.say({ type: "mine", data: 4 });
    await settle();
    expect(heard).toEqual([1, 2, 3, 4]);
    FakePeer.last.become("failed");
    await settle();
    expect(offers().at(-1)?.received).toBe(4);
  });

  it("are read once when the former connection returns", async () => {
    const { promise, reject } = deferred<Answer>();
    answer = (body) => (body.resume === true ? granting(body) : promise);
    const { connection, former } = await lost();
    const heard: unknown[] = [];
    connection.on("message", ({ data }) => heard.push(data));
    former.say({ type: "mine", data: 1 });
    expect(heard).toEqual([]);
    former.become("connected");
    reject(UNREACHABLE);
    await settle();
    expect(heard).toEqual([1]);
    former.say({ type: "mine", data: 2 });
    expect(heard).toEqual([1, 2]);
  });

  it("cannot be sent meanwhile, but calls and their results can", async () => {
    const { connection } = await connected();
    connection.handle("city", () => new Promise((resolve) => setTimeout(resolve, 700, "Lisbon")));
    const before = connection.call("price", 1);
    FakePeer.last.say({ type: "call", id: "server-1", name: "city" });
    answer = (body) =>
      body.resume === true || offers().length > 3 ? granting(body) : Promise.reject(UNREACHABLE);
    FakePeer.last.become("failed");
    await vi.advanceTimersByTimeAsync(1000);
    expect(connection.send("now")).toBe(false);
    const meanwhile = connection.call("price", 2);
    await vi.advanceTimersByTimeAsync(1000);
    received = 1;
    FakePeer.last.connect();
    await settle();
    expect(FakePeer.last.channel.sent.map((text) => JSON.parse(text) as unknown)).toEqual([
      { type: "result", id: "server-1", data: "Lisbon" },
      { type: "call", id: "page-2", name: "price", data: 2 },
    ]);
    FakePeer.last.say({ type: "result", id: "page-2", data: 20 });
    FakePeer.last.say({ type: "result", id: "page-1", data: 10 });
    expect(await Promise.all([before, meanwhile])).toEqual([10, 20]);
  });

  it("that wait end with a session that cannot be resumed", async () => {
    const { connection } = await connected();
    const call = connection.call("price", 1).catch((error: unknown) => error);
    answer = (body) => (body.resume === true ? granting(body) : Promise.resolve(REFUSED));
    FakePeer.last.become("failed");
    await settle();
    FakePeer.last.connect();
    await settle();
    expect(await call).toMatchObject({ code: "call_failed" });
    expect(FakePeer.last.channel.sent).toEqual([]);
  });
});
