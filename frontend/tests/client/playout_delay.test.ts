import { describe, expect, it, vi } from "vitest";
import { PlayoutDelay, PlayoutReports } from "../../client/playout_delay";

type Fields = Record<string, unknown>;

function report(...entries: Fields[]): [string, Fields][] {
  return entries.map((entry, index) => [String(index), entry]);
}

function audio(delay: number, count: number): Fields {
  return {
    type: "inbound-rtp",
    kind: "audio",
    jitterBufferDelay: delay,
    jitterBufferEmittedCount: count,
  };
}

function output(delay: number, count: number): Fields {
  return { type: "media-playout", totalPlayoutDelay: delay, totalSamplesCount: count };
}

describe("the delay before audio is played", () => {
  it("is that of the jitter buffer and of the output", () => {
    const read = new PlayoutDelay().read(report(audio(4800, 48_000), output(960, 48_000)));
    expect(read).toBeCloseTo(0.12);
  });

  it("is that of the samples since the last time", () => {
    const delay = new PlayoutDelay();
    delay.read(report(audio(48_000, 48_000), output(0, 48_000)));
    expect(delay.read(report(audio(52_800, 96_000), output(960, 96_000)))).toBeCloseTo(0.12);
  });

  it("is the average as long as there are no new samples", () => {
    const delay = new PlayoutDelay();
    delay.read(report(audio(4800, 48_000)));
    expect(delay.read(report(audio(4800, 48_000)))).toBeCloseTo(0.1);
  });

  it("is unknown without audio, or in a browser that does not say", () => {
    expect(new PlayoutDelay().read(report())).toBeNull();
    expect(new PlayoutDelay().read(report({ type: "inbound-rtp", kind: "audio" }))).toBeNull();
    expect(new PlayoutDelay().read(report({ ...audio(1, 10), kind: "video" }))).toBeNull();
  });
});

describe("the report to the server", () => {
  const asked = { type: "report_heard", data: { n: 3 } };

  it("has the number of the question", async () => {
    const send = vi.fn();
    new PlayoutReports(() => Promise.resolve(0.08), send).receive(asked);
    await vi.waitFor(() => {
      expect(send).toHaveBeenCalledWith({ type: "heard", data: { n: 3, delay_s: 0.08 } });
    });
  });

  it.each([
    ["delay that is not known", () => Promise.resolve(null)],
    ["error", () => Promise.reject(new Error("closed"))],
  ])("has no delay with an %s", async (_, read) => {
    const send = vi.fn();
    new PlayoutReports(read, send).receive(asked);
    await vi.waitFor(() => {
      expect(send).toHaveBeenCalledWith({ type: "heard", data: { n: 3, delay_s: null } });
    });
  });

  it.each([
    { type: "log", data: { n: 3 } },
    { type: "report_heard", data: null },
    { type: "report_heard", data: { n: "3" } },
    { type: "report_heard" },
  ])("is not sent for %j", async (message) => {
    const read = vi.fn();
    new PlayoutReports(read, vi.fn()).receive(message);
    await Promise.resolve();
    expect(read).not.toHaveBeenCalled();
  });
});
