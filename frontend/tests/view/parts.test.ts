// @vitest-environment happy-dom
import { describe, expect, it, vi } from "vitest";
import { elapsedText } from "../../view/clock";
import { LevelHistory } from "../../view/history";
import { messageText } from "../../view/messages";
import { nearestCorner } from "../../view/self_view";
import { canSetVolume, VolumeSlider } from "../../view/volume";

it.each([
  [0, "0:00"],
  [999, "0:00"],
  [61_000, "1:01"],
  [3_599_000, "59:59"],
  [3_723_000, "1:02:03"],
])("writes %d ms as %s", (milliseconds, text) => {
  expect(elapsedText(milliseconds)).toBe(text);
});

describe("the history of levels", () => {
  it("keeps the loudest of each tenth of a second", () => {
    const history = new LevelHistory();
    history.add(1000, 0.1, 0);
    history.add(1030, 0.5, 0.2);
    history.add(1060, 0.2, 0.1);
    history.add(1100, 0.3, 0);
    expect(history.bars).toEqual([
      [0.5, 0.2],
      [0.3, 0],
    ]);
  });

  it("goes on after a gap, and ends after a minute", () => {
    const history = new LevelHistory();
    history.add(0, 1, 1);
    history.add(90_000, 0.4, 0);
    history.add(90_050, 0.6, 0);
    expect(history.bars).toEqual([
      [1, 1],
      [0.6, 0],
    ]);
    for (let step = 0; step < 700; step++) history.add(91_000 + step * 100, 0, 0);
    expect(history.bars).toHaveLength(600);
    history.clear();
    expect(history.bars).toEqual([]);
  });
});

it.each([
  [{ type: "log", data: "pause_detected" }, "log: pause_detected"],
  [{ type: "fetch_output", data: [] }, "fetch_output"],
  [{ type: "error", message: "No" }, "error: No"],
  [{ type: "mine", x: 1 }, 'mine: {"x":1}'],
  ["hello", "hello"],
  [{}, "–"],
  [null, "null"],
  ["x".repeat(400), `${"x".repeat(300)}…`],
])("writes the message %j in one line", (message, text) => {
  expect(messageText(message)).toBe(text);
});

it.each([
  [10, 10, "top-left"],
  [90, 10, "top-right"],
  [10, 45, "bottom-left"],
  [60, 30, "bottom-right"],
])("finds the corner nearest to %d, %d", (x, y, corner) => {
  expect(nearestCorner(x, y, 100, 50)).toBe(corner);
});

it("has a slider for the volume, where the browser lets a page set it", () => {
  expect(canSetVolume()).toBe(true);
  vi.spyOn(HTMLMediaElement.prototype, "volume", "get").mockReturnValue(1);
  expect(canSetVolume()).toBe(false);
  vi.restoreAllMocks();

  const set = vi.fn<(volume: number) => void>();
  const slider = new VolumeSlider(set);
  const input = slider.root.querySelector("input") as HTMLInputElement;
  expect([input.value, slider.root.textContent]).toEqual(["100", "Volume100 %"]);
  input.value = "35";
  input.dispatchEvent(new Event("input"));
  expect(set).toHaveBeenCalledWith(0.35);
  expect(slider.root.textContent).toBe("Volume35 %");
});
