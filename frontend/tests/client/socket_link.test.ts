// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { FastRTCError } from "../../client/errors";
import type { ResumeRequest } from "../../client/resumption";
import { SocketLink, type SocketSetup } from "../../client/socket_link";
import { VERSION } from "../../client/version";

const audio = {
  rate: 48000,
  capture: vi.fn(),
  close: vi.fn(),
  play: vi.fn(),
  drop: () => Promise.resolve(160),
};

vi.mock("../../client/socket_audio", () => ({
  SocketAudio: { open: () => Promise.resolve(audio) },
}));

/** A socket whose handshake the test answers. */
class FakeSocket {
  static OPEN = 1;
  static all: FakeSocket[] = [];
  readyState = 0;
  sent: string[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string | ArrayBuffer }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;

  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }
  send = (text: string) => this.sent.push(text);
  close(code = 1006): void {
    this.onclose?.({ code, reason: "" });
  }
  accept(): void {
    this.readyState = FakeSocket.OPEN;
    this.onopen?.();
  }
}

function connecting(resume: ResumeRequest = false): {
  link: SocketLink;
  failed: () => string | null;
} {
  const context = { resume: () => Promise.resolve() };
  const setup = {
    ...{ id: "mine", url: "ws://here/", mode: "receive", context, replaces: null },
    ...{ token: null, resume, timeout: null },
  };
  const link = new SocketLink(setup as unknown as SocketSetup);
  let code: string | null = null;
  link.connect().catch((error: unknown) => (code = (error as FastRTCError).code));
  return { link, failed: () => code };
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  vi.stubGlobal("WebSocket", FakeSocket);
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it("tries again when a full process refuses the handshake", async () => {
  const { link } = connecting();
  await vi.advanceTimersByTimeAsync(0);
  for (const count of [1, 2]) {
    expect(FakeSocket.all).toHaveLength(count);
    FakeSocket.all.at(-1)?.close();
    await vi.advanceTimersByTimeAsync(400);
  }
  FakeSocket.all.at(-1)?.accept();
  await vi.advanceTimersByTimeAsync(0);
  expect(FakeSocket.all).toHaveLength(3);
  expect(FakeSocket.all[2]?.sent[0]).toContain('"event":"start"');
  link.close();
});

it("gives up after some attempts", async () => {
  const { failed } = connecting();
  for (let attempt = 0; attempt < 12; attempt++) {
    await vi.advanceTimersByTimeAsync(800);
    expect(FakeSocket.all.length).toBe(Math.min(attempt + 1, 9));
    if (attempt < 9) FakeSocket.all[attempt]?.close();
  }
  expect(failed()).not.toBeNull();
});

it("does not try again when it is closed meanwhile", async () => {
  const { link, failed } = connecting();
  await vi.advanceTimersByTimeAsync(0);
  FakeSocket.all[0]?.close();
  link.close();
  await vi.advanceTimersByTimeAsync(5000);
  expect(FakeSocket.all).toHaveLength(1);
  expect(failed()).toBe("connection_closed");
});

const STARTED = { event: "started", resume: { secret: "s", within_s: 30 } };
const say = (message: object) => FakeSocket.all[0]?.onmessage?.({ data: JSON.stringify(message) });

async function connected(resume: ResumeRequest = true): Promise<SocketLink> {
  const { link } = connecting(resume);
  await vi.advanceTimersByTimeAsync(0);
  FakeSocket.all[0]?.accept();
  await vi.advanceTimersByTimeAsync(0);
  say(STARTED);
  return link;
}

it("asks for a session that can be resumed, and is told its secret", async () => {
  const link = await connected();
  expect(JSON.parse(FakeSocket.all[0]?.sent[0] ?? "")).toMatchObject({ resume: true });
  expect(link.grant).toEqual({ secret: "s", keptFor: 30_000, resumed: false, received: null });
  link.close();

  FakeSocket.all = [];
  (await connected({ secret: "s", received: 3, heard: 960 })).close();
  expect(JSON.parse(FakeSocket.all[0]?.sent[0] ?? "")).toMatchObject({
    ...{ websocket_id: "mine", resume: "s", received: 3, heard: 960 },
  });
});

it("stays open when nothing arrives, which the server would take for its end", async () => {
  const link = await connected();
  const told: string[] = [];
  link.on("disconnected", () => told.push("disconnected"));
  link.on("returned", () => told.push("returned"));
  await vi.advanceTimersByTimeAsync(13_000);
  expect(told).toEqual(["disconnected"]);
  expect([link.lost, FakeSocket.all[0]?.readyState]).toEqual([true, FakeSocket.OPEN]);
  say({ event: "pong" });
  expect(told).toEqual(["disconnected", "returned"]);
  expect(link.lost).toBe(false);
  link.close();
});

it("knows what was played", async () => {
  const link = await connected();
  const samples = new Int16Array(1000);
  FakeSocket.all[0]?.onmessage?.({ data: samples.buffer });
  FakeSocket.all[0]?.onmessage?.({ data: samples.buffer });
  expect(await link.heard()).toBe(2000 - 160);
  link.close();
});

it("tells its version, and notices that the server has another one", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const { link } = connecting();
  const notices: FastRTCError[] = [];
  link.on("notice", (notice) => notices.push(notice));
  await vi.advanceTimersByTimeAsync(0);
  FakeSocket.all[0]?.accept();
  await vi.advanceTimersByTimeAsync(0);
  expect(JSON.parse(FakeSocket.all[0]?.sent[0] ?? "")).toMatchObject({ client_version: VERSION });
  say({ ...STARTED, server_version: "99.0.0" });
  expect(notices).toMatchObject([{ code: "other_version", details: { server: "99.0.0" } }]);
  expect(warn).toHaveBeenCalledTimes(1);
  link.close();
});
