import { describe, expect, it } from "vitest";
import { constraintsFor, kindsOf } from "../../client/constraints";

describe("constraintsFor", () => {
  it("gives the defaults when there are none", () => {
    expect(constraintsFor("audio", null, "audio")).toMatchObject({ echoCancellation: true });
    expect(constraintsFor("video", {}, "audio-video")).toMatchObject({ width: { ideal: 640 } });
  });

  it("takes flat ones for the one kind there is", () => {
    const given = { width: { exact: 500 }, frameRate: { ideal: 10 } };
    expect(constraintsFor("video", given, "video")).toEqual(given);
  });

  it("takes nested ones by kind", () => {
    const given = { audio: { sampleRate: 16000 }, video: true };
    expect(constraintsFor("audio", given, "audio-video")).toEqual({ sampleRate: 16000 });
    expect(constraintsFor("video", given, "audio-video")).toMatchObject({ height: { ideal: 480 } });
    expect(constraintsFor("audio", given, "audio")).toEqual({ sampleRate: 16000 });
  });

  it("deals flat ones of both kinds out by name", () => {
    const given = { echoCancellation: false, width: { ideal: 320 }, groupId: "a" };
    expect(constraintsFor("audio", given, "audio-video")).toEqual({
      echoCancellation: false,
      groupId: "a",
    });
    expect(constraintsFor("video", given, "audio-video")).toEqual({
      width: { ideal: 320 },
      groupId: "a",
    });
  });

  it("lets the chosen device win", () => {
    const devices = { microphoneId: "m", cameraId: "c" };
    expect(constraintsFor("audio", { deviceId: "other" }, "audio", devices)).toEqual({
      deviceId: { exact: "m" },
    });
    expect(constraintsFor("video", { facingMode: "user" }, "video", devices)).toEqual({
      deviceId: { exact: "c" },
    });
  });

  it("changes nothing that was given", () => {
    const given = { facingMode: "user" };
    constraintsFor("video", given, "video", { cameraId: "c" });
    expect(given).toEqual({ facingMode: "user" });
  });
});

it("knows the kinds of a modality", () => {
  expect(kindsOf("audio")).toEqual(["audio"]);
  expect(kindsOf("video")).toEqual(["video"]);
  expect(kindsOf("audio-video")).toEqual(["audio", "video"]);
});
