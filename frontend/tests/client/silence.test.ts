import { describe, expect, it } from "vitest";
import { countArrived, SILENT_AFTER, SilenceDetector } from "../../client/silence";

function report(...entries: object[]): Map<string, unknown> {
  return new Map(entries.map((entry, index) => [`${index}`, entry]));
}

describe("what has arrived", () => {
  it("is media, checks of the server, and its responses", () => {
    const counts = { bytesReceived: 1000, requestsReceived: 20, responsesReceived: 3 };
    expect(countArrived(report({ type: "candidate-pair", ...counts }))).toBe(1023);
    const others = [{ type: "transport", bytesReceived: 5 }, { type: "candidate-pair" }];
    expect(countArrived(report(...others, { type: "candidate-pair", ...counts }))).toBe(1023);
  });

  it("is not known in browsers that count no responses", () => {
    expect(countArrived(report())).toBeNull();
    expect(countArrived(report({ type: "candidate-pair", bytesReceived: 1000 }))).toBeNull();
  });
});

describe("a connection", () => {
  it("is silent when nothing has arrived for a time, until something does", () => {
    const detector = new SilenceDetector();
    expect(detector.isSilent(1, 50_000)).toBe(false);
    expect(detector.isSilent(2, 51_000)).toBe(false);
    expect(detector.isSilent(2, 51_000 + SILENT_AFTER - 1)).toBe(false);
    expect(detector.isSilent(2, 51_000 + SILENT_AFTER)).toBe(true);
    expect(detector.isSilent(2, 90_000)).toBe(true);
    expect(detector.isSilent(3, 91_000)).toBe(false);
    expect(detector.isSilent(3, 92_000)).toBe(false);
  });

  it("is never silent if that is not known", () => {
    const detector = new SilenceDetector();
    expect([0, 50_000, 100_000].map((now) => detector.isSilent(null, now))).toEqual([
      false,
      false,
      false,
    ]);
  });
});
