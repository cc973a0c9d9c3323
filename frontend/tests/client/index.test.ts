import { expect, it } from "vitest";

// Runs in plain Node: as a framework does that renders pages on the server.
it("can be imported and made where there is no browser", async () => {
  const before = Object.keys(globalThis);
  const { Connection, canChooseSpeaker, listDevices, watchDevices } =
    await import("../../client/index");
  const connection = new Connection();
  expect(await connection.start()).toBe(false);
  expect(connection.error).toMatchObject({ code: "no_webrtc" });
  expect(await listDevices()).toEqual({ microphones: [], cameras: [], speakers: [] });
  watchDevices(() => undefined)();
  expect(canChooseSpeaker()).toBe(false);
  expect(Object.keys(globalThis)).toEqual(before);
});
