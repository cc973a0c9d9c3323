// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FastRTCError, type ErrorCode } from "../../client/errors";
import {
  forgetBlocked,
  isWithoutRoute,
  mayUseSocket,
  rememberBlocked,
  skipsWebRTC,
  socketAddress,
} from "../../client/fallback";
import { httpSignalling } from "../../client/signalling";
import type { ConnectionOptions } from "../../client/types";

const HERE: ConnectionOptions = { transport: "auto" };
const ELSEWHERE: ConnectionOptions = {
  transport: "auto",
  signalling: httpSignalling("https://b.org/webrtc/offer"),
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
  vi.stubGlobal("RTCPeerConnection", vi.fn());
  vi.stubGlobal("location", new URL("https://example.org/app/"));
});

afterEach(() => {
  forgetBlocked();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("the address of the WebSocket", () => {
  it("is beside the route for offers", async () => {
    expect(await socketAddress(HERE)).toBe("wss://example.org/websocket/offer");
    const signalling = httpSignalling("webrtc/offer?key=1");
    expect(await socketAddress({ transport: "websocket", signalling })).toBe(
      "wss://example.org/app/websocket/offer?key=1",
    );
  });

  it("is unknown beside another route", async () => {
    const signalling = httpSignalling("/my/route");
    expect(mayUseSocket({ transport: "auto", signalling })).toBe(false);
    expect(await socketAddress({ transport: "auto", signalling })).toBeNull();
  });

  it("can be set, or asked for", async () => {
    const signalling = { ...httpSignalling("/my/route"), websocket: "http://other.org/socket" };
    expect(await socketAddress({ transport: "auto", signalling })).toBe("ws://other.org/socket");
    const asked = { ...signalling, websocket: () => Promise.resolve("/socket?ticket=1") };
    expect(await socketAddress({ transport: "auto", signalling: asked })).toBe(
      "wss://example.org/socket?ticket=1",
    );
    const none = { ...signalling, websocket: () => Promise.resolve(null) };
    expect(await socketAddress({ transport: "auto", signalling: none })).toBeNull();
    const broken = { ...signalling, websocket: () => Promise.reject(new Error("x")) };
    await expect(socketAddress({ transport: "auto", signalling: broken })).rejects.toThrow("x");
  });

  it("is not used for video, or where only WebRTC is wanted", () => {
    expect(mayUseSocket(HERE)).toBe(true);
    expect(mayUseSocket({ ...HERE, modality: "video" })).toBe(false);
    expect(mayUseSocket({ ...HERE, modality: "audio-video" })).toBe(false);
    expect(mayUseSocket({})).toBe(false);
  });
});

describe("WebRTC is skipped", () => {
  it("where only a WebSocket is wanted, and in browsers without it", () => {
    expect(skipsWebRTC({ transport: "websocket" })).toBe(true);
    expect(skipsWebRTC(HERE)).toBe(false);
    vi.stubGlobal("RTCPeerConnection", undefined);
    expect(skipsWebRTC(HERE)).toBe(true);
  });

  it("for ten minutes after it was blocked, to the same server", () => {
    rememberBlocked(HERE, true);
    expect(skipsWebRTC(HERE)).toBe(true);
    expect(skipsWebRTC(ELSEWHERE)).toBe(false);
    vi.advanceTimersByTime(600_001);
    expect(skipsWebRTC(HERE)).toBe(false);
  });

  it("no more if the WebSocket does not connect either, or the network changes", () => {
    rememberBlocked(HERE, true);
    rememberBlocked(HERE, false);
    expect(skipsWebRTC(HERE)).toBe(false);
    rememberBlocked(ELSEWHERE, true);
    forgetBlocked();
    expect(skipsWebRTC(ELSEWHERE)).toBe(false);
  });
});

describe("a WebSocket helps", () => {
  const helps = (code: ErrorCode) => isWithoutRoute(new FastRTCError(code, "x"));

  it("where there is no route for media, not where the server refuses", () => {
    expect(helps("ice_failed")).toBe(true);
    expect(helps("turn_server_failed")).toBe(true);
    expect(helps("concurrency_limit_reached")).toBe(false);
    expect(helps("server_unreachable")).toBe(false);
  });
});
