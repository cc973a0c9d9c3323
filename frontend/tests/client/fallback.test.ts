// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FastRTCError, type ErrorCode } from "../../client/errors";
import {
  forgetBlocked,
  isWithoutRoute,
  rememberBlocked,
  skipsWebRTC,
  socketAddress,
} from "../../client/fallback";
import { httpSignalling } from "../../client/signalling";

const ADDRESS = "ws://a/websocket/offer";

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
  it("is beside the route for offers", () => {
    expect(socketAddress({ transport: "auto" })).toBe("wss://example.org/websocket/offer");
    const signalling = httpSignalling("webrtc/offer?key=1");
    expect(socketAddress({ transport: "websocket", signalling })).toBe(
      "wss://example.org/app/websocket/offer?key=1",
    );
  });

  it("is unknown beside another route", () => {
    const signalling = httpSignalling("/my/route");
    expect(socketAddress({ transport: "auto", signalling })).toBeNull();
  });

  it("can be set", () => {
    const signalling = { ...httpSignalling("/my/route"), websocket: "http://other.org/socket" };
    expect(socketAddress({ transport: "auto", signalling })).toBe("ws://other.org/socket");
  });

  it("is not used for video, or where only WebRTC is wanted", () => {
    expect(socketAddress({ transport: "auto", modality: "video" })).toBeNull();
    expect(socketAddress({ transport: "auto", modality: "audio-video" })).toBeNull();
    expect(socketAddress({})).toBeNull();
  });
});

describe("WebRTC is skipped", () => {
  it("where only a WebSocket is wanted, and in browsers without it", () => {
    expect(skipsWebRTC(ADDRESS, { transport: "websocket" })).toBe(true);
    expect(skipsWebRTC(ADDRESS, { transport: "auto" })).toBe(false);
    vi.stubGlobal("RTCPeerConnection", undefined);
    expect(skipsWebRTC(ADDRESS, { transport: "auto" })).toBe(true);
  });

  it("for ten minutes after it was blocked, to the same server", () => {
    rememberBlocked(ADDRESS, true);
    expect(skipsWebRTC(ADDRESS, { transport: "auto" })).toBe(true);
    expect(skipsWebRTC("ws://b/websocket/offer", { transport: "auto" })).toBe(false);
    vi.advanceTimersByTime(600_001);
    expect(skipsWebRTC(ADDRESS, { transport: "auto" })).toBe(false);
  });

  it("no more if the WebSocket does not connect either, or the network changes", () => {
    rememberBlocked(ADDRESS, true);
    rememberBlocked(ADDRESS, false);
    expect(skipsWebRTC(ADDRESS, { transport: "auto" })).toBe(false);
    rememberBlocked(ADDRESS, true);
    forgetBlocked();
    expect(skipsWebRTC(ADDRESS, { transport: "auto" })).toBe(false);
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
