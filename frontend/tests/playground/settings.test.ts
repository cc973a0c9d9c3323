import { describe, expect, it } from "vitest";
import {
  checkSettings,
  DEFAULTS,
  iceServersOf,
  mediaOf,
  optionsOf,
  readSettings,
  writeSettings,
} from "../../playground/settings";
import { readTarget } from "../../playground/target";

const target = readTarget({ url: "http://x", found: { modality: "video", mode: "receive" } });
const unknown = readTarget({ url: "http://x" });

describe("readSettings", () => {
  it("gives back what was stored, without the token", () => {
    const settings = {
      ...DEFAULTS,
      transport: "websocket" as const,
      token: "secret",
      metadata: "{}",
    };
    const stored = writeSettings(settings);
    expect(stored).not.toContain("secret");
    expect(readSettings(stored, unknown)).toEqual({ ...settings, token: "" });
  });

  it.each([null, "{", "3", '{"transport": "pigeon", "modality": 1, "other": true, "token": "x"}'])(
    "has defaults for %s",
    (stored) => {
      expect(readSettings(stored, unknown)).toEqual(DEFAULTS);
    },
  );

  it("prefers the options of the command", () => {
    const chosen = readTarget({
      url: "http://x",
      modality: "audio",
      mode: "send",
      transport: "webrtc",
    });
    const stored = writeSettings({ ...DEFAULTS, modality: "video" });
    const { modality, mode, transport } = readSettings(stored, chosen);
    expect([modality, mode, transport]).toEqual(["audio", "send", "webrtc"]);
  });
});

describe("mediaOf", () => {
  it("follows the stream, or what the user has chosen", () => {
    expect(mediaOf(DEFAULTS, target)).toEqual({
      modality: "video",
      mode: "receive",
      assumed: false,
    });
    const chosen = { ...DEFAULTS, modality: "audio" as const, mode: "send" as const };
    expect(mediaOf(chosen, target)).toEqual({ modality: "audio", mode: "send", assumed: false });
  });

  it("assumes a conversation where nothing is known", () => {
    const media = { modality: "audio", mode: "send-receive", assumed: true };
    expect(mediaOf(DEFAULTS, unknown)).toEqual(media);
  });
});

describe("optionsOf", () => {
  it("has what is set", () => {
    const settings = {
      ...DEFAULTS,
      token: " abc ",
      metadata: '{"user": "Ada"}',
      pushToTalk: true,
      microphoneId: "m",
    };
    expect(optionsOf(settings, unknown)).toEqual({
      modality: "audio",
      mode: "send-receive",
      transport: "auto",
      metadata: { user: "Ada" },
      token: "abc",
      devices: { microphoneId: "m", cameraId: null },
      turnDetection: "manual",
    });
  });

  it("has WebRTC for video, and no metadata that is wrong", () => {
    const options = optionsOf({ ...DEFAULTS, transport: "websocket", metadata: "[1]" }, target);
    expect(options).toMatchObject({ transport: "webrtc", metadata: null, token: null });
    expect(options).not.toHaveProperty("turnDetection");
  });
});

describe("ICE servers", () => {
  const read = (iceServers: string) => iceServersOf({ ...DEFAULTS, iceServers });

  it("are a list, or a configuration", () => {
    const servers = [{ urls: "stun:a" }];
    expect(read('[{"urls": "stun:a"}]')).toEqual({ iceServers: servers });
    expect(read('{"iceServers": [{"urls": "stun:a"}], "iceTransportPolicy": "relay"}')).toEqual({
      iceServers: servers,
      iceTransportPolicy: "relay",
    });
    expect(read("")).toBeNull();
  });

  it("are checked, as the metadata is", () => {
    const settings = { ...DEFAULTS, iceServers: '["stun:a"]', metadata: "3" };
    expect(checkSettings(settings)).toEqual({
      iceServers: 'A list of objects with "urls" is needed.',
      metadata: 'A JSON object is needed, such as {"user": "Ada"}.',
    });
    expect(checkSettings({ ...DEFAULTS, iceServers: "{" }).iceServers).toBe("This is not JSON.");
    expect(checkSettings(DEFAULTS)).toEqual({});
  });
});
