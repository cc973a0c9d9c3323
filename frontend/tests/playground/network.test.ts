import { describe, expect, it } from "vitest";
import type { StreamStats } from "@fastrtc/client";
import { NetworkFigures, sparkline } from "../../playground/network";

const STATS: StreamStats = {
  route: "relay",
  protocol: "tcp",
  roundTrip: 0.2,
  jitter: 0.004,
  loss: 0.061,
  sending: 31_600,
  receiving: 1_240_000,
  picture: { width: 640, height: 480, framesPerSecond: 29.6 },
  codecs: ["opus", "VP8"],
  latency: 612.4,
  latencyFromSpeech: null,
};

describe("NetworkFigures", () => {
  it("has names, values and grades", () => {
    const figures = new NetworkFigures();
    figures.add(STATS);
    const list = figures.list("webrtc", true).map(({ name, value, grade }) => [name, value, grade]);
    expect(list).toEqual([
      ["Route", "TURN, TCP", null],
      ["Round trip", "200 ms", "fair"],
      ["Loss", "6.1 %", "poor"],
      ["Jitter", "4 ms", "good"],
      ["Sending", "32 kbit/s", null],
      ["Receiving", "1.2 Mbit/s", null],
      ["Codec", "opus, VP8", null],
      ["Reply after", "612 ms", "good"],
    ]);
    expect(figures.list("webrtc", false).at(-1)?.value).toBe("640 × 480, 30/s");
    expect(figures.list("websocket", true)[0]?.value).toBe("WebSocket");
  });

  it("has dashes without a connection, and keeps a minute", () => {
    const figures = new NetworkFigures();
    for (let second = 0; second < 70; second++) figures.add({ ...STATS, roundTrip: second });
    figures.add(null);
    const [, roundTrip] = figures.list(null, true);
    expect(roundTrip).toMatchObject({ value: "–", grade: null });
    expect(roundTrip?.history).toHaveLength(60);
    expect(roundTrip?.history[0]).toBe(10);
    figures.clear();
    expect(figures.list(null, true)[1]?.history).toHaveLength(0);
  });
});

describe("sparkline", () => {
  it("ends at the right, and scales from 0", () => {
    const points = sparkline([1, null, 2]).split(" ");
    expect(points).toHaveLength(2);
    expect(points.at(-1)).toBe("100.0,1.0");
    expect(points[0]?.endsWith(",12.0")).toBe(true);
  });

  it("is empty with less than two values", () => {
    expect(sparkline([null, 3])).toBe("");
  });
});
