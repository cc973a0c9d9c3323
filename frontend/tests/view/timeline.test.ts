// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it } from "vitest";
import { readTurn, Timeline } from "../../view/timeline_entry";

let timeline: Timeline;

beforeEach(() => {
  timeline = new Timeline({ most: 5 });
  document.body.append(timeline.root);
});
afterEach(() => {
  timeline.root.remove();
});

function add(number: number, more: object = {}): void {
  const turn = readTurn({
    number,
    kind: "reply",
    outcome: "completed",
    speech_began_s: 0,
    speech_ended_s: 2,
    turn_ended_s: 2.5,
    first_audio_s: 3,
    first_sent_s: 3,
    first_heard_s: 3,
    played_s: 4,
    ...more,
  });
  if (turn) timeline.add(turn);
}

const strips = () => [...timeline.root.querySelectorAll<HTMLElement>("[role=option]")];
const numbers = () => strips().map((one) => one.querySelector(".frtc-strip-name")?.textContent);
const chosen = () => strips().findIndex((one) => one.getAttribute("aria-selected") === "true");
const title = () => timeline.root.querySelector(".frtc-turn-title")?.textContent ?? "";
const key = (name: string) => {
  const event = new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true });
  (document.activeElement ?? document.body).dispatchEvent(event);
  return event.defaultPrevented;
};

it("says that there is nothing yet", () => {
  const hint = timeline.root.querySelector<HTMLElement>(".frtc-hint");
  expect([hint?.hidden, timeline.root.querySelector<HTMLElement>(".frtc-chart")?.hidden]).toEqual([
    false,
    true,
  ]);
  add(1);
  expect(hint?.hidden).toBe(true);
  timeline.clear();
  expect([hint?.hidden, strips().length]).toEqual([false, 0]);
});

it("shows the newest turn first, and its figures", () => {
  add(1);
  add(3, { kind: "say", speech_ended_s: null });
  add(2, { outcome: "interrupted", interrupted_s: 5 });
  expect(numbers()).toEqual(["–", "2", "1"]);
  expect(chosen()).toBe(0);
  expect(title()).toBe("Said by the program");
  expect(strips()[1]?.dataset["outcome"]).toBe("interrupted");
  expect(strips()[1]?.getAttribute("aria-label")).toMatch(/^Turn 2: answered after 1.00 s/);
  for (let number = 4; number < 9; number++) add(number);
  expect(numbers()).toEqual(["8", "7", "6", "5", "4"]);
});

it("draws the parts to one scale", () => {
  add(1);
  add(2, { first_audio_s: 6, first_sent_s: 6, first_heard_s: 6 });
  const widths = (index: number) =>
    [...(strips()[index]?.querySelectorAll<HTMLElement>(".frtc-strip-bar .frtc-part") ?? [])].map(
      ({ style }) => style.width,
    );
  expect(widths(1)).toEqual(["16.00%", "7.50%", "7.50%", "20.00%"]);
  expect(widths(0)).toEqual(["16.00%", "7.50%", "52.50%", "20.00%"]);
  const marks = [...timeline.root.querySelectorAll<HTMLElement>(".frtc-axis span")];
  expect(marks.map(({ textContent, style }) => [textContent, style.left])).toEqual([
    ["0", "16%"],
    ["1", "31%"],
    ["2", "46%"],
    ["3", "61%"],
    ["4", "76%"],
  ]);
});

it("cuts what is far beyond the usual silence", () => {
  add(1);
  add(2);
  add(3, { outcome: "failed", first_sent_s: null, first_heard_s: null, first_audio_s: 42 });
  add(4, { turn_ended_s: 3, first_audio_s: 22, first_sent_s: 22, first_heard_s: 22 });
  const shown = strips().map((strip) =>
    [...strip.querySelectorAll<HTMLElement>(".frtc-strip-bar .frtc-part")].map(
      ({ classList, style }) => style.width + (classList.contains("frtc-cut") ? " cut" : ""),
    ),
  );
  expect(shown).toEqual([
    ["16.00%", "12.00%", "48.00% cut", "20.00%"],
    ["16.00%", "6.00%", "54.00% cut", "20.00%"],
    ["16.00%", "6.00%", "6.00%", "20.00%"],
    ["16.00%", "6.00%", "6.00%", "20.00%"],
  ]);
  expect(strips()[0]?.querySelector(".frtc-strip-figure")?.textContent).toBe("20.0 s");
  add(5, { speech_began_s: -98, played_s: 300 });
  const around = strips().map((strip) =>
    [...strip.querySelectorAll<HTMLElement>(".frtc-part-speech, .frtc-part-reply")].map(
      ({ style }) => style.width,
    ),
  );
  expect(around.slice(0, 2)).toEqual([
    ["16.00%", "20.00%"],
    ["3.20%", "4.00%"],
  ]);
});

it("cuts all parts that are long, and keeps the strip within its width", () => {
  const silence = (last: number): object => ({ first_sent_s: last, first_heard_s: last });
  for (const number of [1, 2, 3]) add(number, { first_audio_s: 2.8, ...silence(2.8) });
  const long = { function_called_s: 14.5, first_audio_s: 25.5 };
  add(4, { ...long, ...silence(25.5) });
  add(5, { ...long, ...silence(38.5) });
  const shown = strips().map((strip) =>
    [...strip.querySelectorAll<HTMLElement>(".frtc-strip-bar .frtc-part")].map(
      ({ classList, style }) => style.width + (classList.contains("frtc-cut") ? " cut" : ""),
    ),
  );
  // 4 s are 60%: half a second, and the rest for those of 12, 11 and 13 s.
  expect(shown.slice(0, 2)).toEqual([
    ["16.00%", "7.50%", "17.50% cut", "17.50% cut", "17.50% cut", "20.00%"],
    ["16.00%", "7.50%", "26.25% cut", "26.25% cut", "20.00%"],
  ]);
});

it("shows the figures of a turn that is pointed at, chosen or reached with the keyboard", () => {
  for (let number = 1; number < 5; number++) add(number);
  strips()[2]?.dispatchEvent(new MouseEvent("mouseenter"));
  expect(title()).toMatch(/^Turn 2,/);
  timeline.root.querySelector("[role=listbox]")?.dispatchEvent(new MouseEvent("mouseleave"));
  expect(title()).toMatch(/^Turn 4,/);
  expect(strips().map((one) => one.tabIndex)).toEqual([0, -1, -1, -1]);
  strips()[0]?.focus();
  expect([key("ArrowDown"), chosen(), title().slice(0, 6)]).toEqual([true, 1, "Turn 3"]);
  add(5);
  expect([chosen(), title().slice(0, 6)]).toEqual([2, "Turn 3"]);
  key("End");
  expect(title()).toMatch(/^Turn 1,/);
  expect([key("ArrowDown"), chosen()]).toEqual([true, 4]);
  key("ArrowUp");
  expect(chosen()).toBe(3);
  key("Home");
  add(6);
  expect([chosen(), title().slice(0, 6)]).toEqual([0, "Turn 6"]);
  expect(key("x")).toBe(false);
});

it("updates a turn that goes on", () => {
  const running = readTurn({ number: 1, kind: "reply", speech_began_s: 0, turn_ended_s: 2 });
  if (running) timeline.add({ ...running, outcome: null });
  expect(strips()[0]?.dataset["outcome"]).toBe("running");
  expect(strips()[0]?.querySelector(".frtc-strip-figure")?.textContent).toBe("…");
  add(1, { outcome: "failed", error: "ValueError: no" });
  expect(strips().length).toBe(1);
  expect(title()).toMatch(/failed: ValueError: no$/);
});
