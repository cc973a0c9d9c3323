import { beforeEach, expect, it } from "vitest";
import type { ConversationState } from "@fastrtc/client";
import { readTurn, TurnLog, type TurnRecord } from "../../client/turn_log";

let changes: TurnRecord[];
let log: TurnLog;

beforeEach(() => {
  changes = [];
  log = new TurnLog((turn) => changes.push(turn));
});

const enter = (
  state: ConversationState,
  seconds: number,
  latency: [number, number] | null = null,
) => {
  const [fromSpeech, fromPause] = latency ?? [null, null];
  log.follow({ state, latency: fromPause, latencyFromSpeech: fromSpeech }, seconds * 1000);
};
const record = (number: number, more: object = {}) => {
  const data = { number, kind: "reply", outcome: "completed", ended_by: "model", ...more };
  log.receive({ type: "turn", data });
};
const shown = () => log.list.map(({ number, source, outcome }) => [number, source, outcome]);

it("derives a turn from the states of the conversation", () => {
  enter("heard", 1);
  enter("waiting", 2);
  enter("heard", 2.5);
  enter("thinking", 4);
  expect(log.list).toMatchObject([{ number: 1, outcome: null, speechBegan: 1, turnEnded: 4 }]);
  enter("speaking", 4.5, [900, 400]);
  enter("paused", 5);
  enter("speaking", 6, [900, 400]);
  enter("listening", 8);
  expect(log.list).toMatchObject([
    {
      number: 1,
      kind: "reply",
      source: "page",
      outcome: "completed",
      speechBegan: 1,
      speechEnded: 3.6,
      turnEnded: 4.1,
      firstHeard: 4.5,
      lastSent: 8,
    },
  ]);
  expect(changes.every(({ number }) => number === 1)).toBe(true);
});

it("goes on with the turn if the user does", () => {
  enter("heard", 1);
  enter("thinking", 2);
  enter("heard", 2.2);
  expect(log.list).toMatchObject([{ speechBegan: 1, turnEnded: null, outcome: null }]);
});

it("begins a new turn with an interruption", () => {
  enter("speaking", 1, [900, 400]); // of a reply before this one
  enter("interrupted", 2);
  enter("heard", 3);
  expect(log.list).toMatchObject([
    { number: 1, kind: "audio", outcome: "interrupted", firstHeard: 1, turnEnded: null },
    { number: 2, kind: "reply", outcome: null, speechBegan: 2 },
  ]);
});

it("reads a record of the program", () => {
  const data = {
    number: 4,
    kind: "say",
    outcome: "failed",
    speech_began_s: 0,
    ended_by: "other",
    first_sent_s: "soon",
    played_s: 1.5,
    error: "ValueError: no",
  };
  expect(readTurn(data)).toMatchObject({
    number: 4,
    source: "program",
    kind: "say",
    outcome: "failed",
    speechBegan: 0,
    endedBy: null,
    firstSent: null,
    played: 1.5,
    error: "ValueError: no",
  });
});

it.each([null, 5, {}, { number: 1 }, { kind: "reply" }, { number: "1", kind: "reply" }])(
  "ignores %j",
  (data) => {
    log.receive({ type: "turn", data });
    log.receive({ type: "mine", data: { number: 1, kind: "reply" } });
    expect(log.list).toEqual([]);
  },
);

it("prefers the record of the program, whenever it comes", () => {
  record(1); // of a greeting that was not heard
  enter("heard", 1);
  enter("thinking", 2);
  enter("speaking", 3, [900, 400]);
  record(2); // before the page notices the end
  enter("listening", 4);
  expect(shown()).toEqual([
    [1, "program", "completed"],
    [2, "program", "completed"],
  ]);
  enter("speaking", 5);
  enter("interrupted", 6);
  record(3, { outcome: "interrupted" }); // while the next turn goes on
  expect(shown().slice(2)).toEqual([
    [3, "program", "interrupted"],
    [4, "page", null],
  ]);
});

it("is bounded", () => {
  for (let number = 1; number <= 105; number++) record(number);
  expect(log.list.length).toBe(100);
  expect(log.list[0]?.number).toBe(6);
  log.clear();
  record(1);
  expect(shown()).toEqual([[1, "program", "completed"]]);
});
