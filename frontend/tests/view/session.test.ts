import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FastRTCError } from "@fastrtc/client";
import { FakeConnection } from "../../dev/fake";
import { readProps, START_SIGNAL } from "../../view/props";
import { Session } from "../../view/session";

let told: unknown[];
let quits: unknown[];
let raw: Record<string, unknown>;
let connection: FakeConnection;
let session: Session;

function make(more: Record<string, unknown> = {}): void {
  told = [];
  quits = [];
  raw = {
    value: null,
    mode: "send-receive",
    modality: "audio",
    server: {
      quit_output_stream: (body: unknown) => {
        quits.push(body);
        return Promise.resolve(null);
      },
    },
    ...more,
  };
  const props = (): ReturnType<typeof readProps> => readProps(raw);
  connection = new FakeConnection({ mode: props().mode });
  const host = {
    props: () => raw,
    dispatch: (event: string, detail?: unknown) =>
      told.push(detail === undefined ? event : [event, detail]),
    setValue: (value: unknown) => {
      raw["value"] = value;
      told.push({ value });
    },
  };
  session = new Session(connection.real, host, props);
}

async function connect(): Promise<void> {
  void connection.start();
  connection.become("connecting");
  connection.become("connected");
  await Promise.resolve();
}

/** Waits until what was begun has gone as far as it can. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

beforeEach(() => {
  make();
});

afterEach(() => {
  vi.useRealTimers();
});

it("sets the value, asks for the inputs and tells that it records when it connects", async () => {
  await connect();
  expect(told).toEqual([{ value: "fake-1" }, "change", "tick", "start_recording"]);
});

it("passes the server's wishes on", async () => {
  await connect();
  told.length = 0;
  connection.say("send_input", { type: "send_input" });
  connection.say("fetch_output", { type: "fetch_output" });
  connection.say("warning", "Careful");
  connection.say("notice", new FastRTCError("unexpected", "Something was odd."));
  expect(told).toEqual([
    "tick",
    "state_change",
    ["warning", "Careful"],
    ["warning", "Something was odd."],
  ]);
});

it("shows an error of the server as a toast, unless the end of the stream tells it", async () => {
  vi.useFakeTimers();
  await connect();
  told.length = 0;
  connection.say("error", "It broke");
  connection.say("error", "It ended");
  connection.become("failed", new FastRTCError("connection_lost", "The server says: It ended"));
  vi.runAllTimers();
  expect(told.filter((one) => Array.isArray(one))).toEqual([["error", "It broke"]]);
});

it("ends the wait for outputs and the recording, once", async () => {
  await connect();
  told.length = 0;
  connection.stop();
  expect(told).toEqual(["stop_recording"]);
  expect(quits).toEqual([{ webrtc_id: "fake-1" }]);
});

it("tells of no recording when it never connected", () => {
  void connection.start();
  connection.become("failed", new FastRTCError("permission_denied", "No."));
  expect(told).toEqual([]);
  expect(quits).toEqual([]);
});

it("survives a server that is gone at the end", async () => {
  make({ server: { quit_output_stream: () => Promise.reject(new Error("gone")) } });
  await connect();
  connection.stop();
  await Promise.resolve();
  expect(told.at(-1)).toBe("stop_recording");
});

it("takes the new id of a reconnection, and asks for the inputs again", async () => {
  await connect();
  told.length = 0;
  connection.become("reconnecting");
  connection.starts = 2;
  connection.become("connecting");
  connection.become("connected");
  expect(told).toEqual([{ value: "fake-2" }, "change", "tick"]);
  expect(quits).toEqual([{ webrtc_id: "fake-1" }]);
});

it("is started by the server's word, once for each time it is said", async () => {
  make({ mode: "receive", value: null });
  session.follow(START_SIGNAL);
  session.follow(START_SIGNAL); // the same value again, with another parameter
  expect(connection.starts).toBe(0); // not while the host is still setting the value
  await settled();
  expect(connection.starts).toBe(1);
  connection.become("connecting");
  connection.become("connected");
  expect(raw["value"]).toBe("fake-1");
  session.follow(raw["value"]);
  session.follow(START_SIGNAL);
  await settled();
  expect(connection.starts).toBe(2);
});

it("tells of values that the server sets, and does not mind None", () => {
  session.follow("another");
  session.follow(null);
  expect(told).toEqual(["change", "change"]);
});

it("submits a text with the id of the connection", async () => {
  make({ variant: "textbox" });
  await connect();
  told.length = 0;
  expect(await session.submit("hello")).toBe(true);
  const value = { webrtc_id: "fake-1", textbox: "hello" };
  expect(told).toEqual([{ value }, "change", ["submit", { value, is_value_data: true }]]);
});

it("hands a typed text over once, and none with what is spoken", async () => {
  make({ variant: "textbox" });
  await connect();
  await session.submit("hello");
  connection.say("send_input", { type: "send_input" });
  expect(raw["value"]).toEqual({ webrtc_id: "fake-1", textbox: "hello" });
  connection.say("send_input", { type: "send_input" });
  expect(raw["value"]).toEqual({ webrtc_id: "fake-1", textbox: "" });
  await session.submit("again");
  connection.say("log", "started_talking");
  connection.say("send_input", { type: "send_input" });
  expect(raw["value"]).toEqual({ webrtc_id: "fake-1", textbox: "" });
});

it("starts the stream without a microphone to submit, and keeps the text if that fails", async () => {
  make({ variant: "textbox" });
  expect(await session.submit("hello")).toBe(false);
  expect(connection.starts).toBe(1);
  expect(connection.state).toBe("connecting"); // it asks for nothing
  expect(told.filter((one) => Array.isArray(one))).toEqual([]);
});

it("hands no inputs without the text over while it starts the stream to submit", () => {
  make({ variant: "textbox" });
  void session.submit("hello");
  connection.become("connecting");
  told.length = 0;
  connection.become("connected");
  const value = { webrtc_id: "fake-1", textbox: "hello" };
  expect(told.slice(0, 3)).toEqual([{ value }, "change", "tick"]);
});
