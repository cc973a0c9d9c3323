import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Turn } from "../../client/turn";
import type { TurnState } from "../../client/types";

let sent: object[];
let changes: TurnState[];
let isOpen: boolean;

function make(manual = true): Turn {
  sent = [];
  changes = [];
  isOpen = true;
  return new Turn(
    manual,
    (message) => {
      if (isOpen) sent.push(message);
      return isOpen;
    },
    (state) => changes.push(state),
  );
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it("is silent between turns only if they are manual", () => {
  const turn = make(false);
  expect(turn.silent).toBe(false);
  turn.setManual();
  expect(turn.silent).toBe(true);
  turn.begin();
  expect(turn.silent).toBe(false);
  turn.commit();
  expect(turn.silent).toBe(true);
  expect(changes).toEqual([
    { manual: true, talking: false },
    { manual: true, talking: true },
    { manual: true, talking: false },
  ]);
});

it("sends commit once the last audio has had time to arrive", () => {
  const turn = make();
  expect(turn.begin()).toBe(true);
  turn.commit();
  turn.commit();
  vi.advanceTimersByTime(149);
  expect(sent).toEqual([{ type: "begin" }]);
  vi.advanceTimersByTime(1000);
  expect(sent).toEqual([{ type: "begin" }, { type: "commit" }]);
});

it("keeps the order when the next turn begins at once", () => {
  const turn = make();
  turn.begin();
  turn.commit();
  turn.begin();
  expect(sent).toEqual([{ type: "begin" }, { type: "commit" }, { type: "begin" }]);
  vi.advanceTimersByTime(1000);
  expect(sent).toHaveLength(3);
  expect(turn.state.talking).toBe(true);
});

it("begins once, and not without a channel", () => {
  const turn = make();
  isOpen = false;
  expect(turn.begin()).toBe(false);
  expect(turn.state.talking).toBe(false);
  isOpen = true;
  expect([turn.begin(), turn.begin()]).toEqual([true, true]);
  expect(sent).toEqual([{ type: "begin" }]);
});

it("cancels, also what was committed a moment ago", () => {
  const turn = make();
  turn.begin();
  turn.cancel();
  turn.begin();
  turn.commit();
  turn.cancel();
  vi.advanceTimersByTime(1000);
  expect(sent).toEqual([
    { type: "begin" },
    { type: "cancel" },
    { type: "begin" },
    { type: "cancel" },
  ]);
});

it("forgets the turn with its connection", () => {
  const turn = make();
  turn.begin();
  turn.commit();
  turn.reset();
  vi.advanceTimersByTime(1000);
  expect(sent).toEqual([{ type: "begin" }]);
  expect(turn.state).toEqual({ manual: true, talking: false });
});
