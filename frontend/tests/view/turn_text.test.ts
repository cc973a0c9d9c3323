import { expect, it } from "vitest";
import type { TurnRecord } from "@fastrtc/client";
import { readTurn } from "@fastrtc/client/internal";
import {
  cutOf,
  durationText,
  nameOf,
  outcomeOf,
  partsOf,
  scaleOf,
  sentenceOf,
  silenceOf,
  stepOf,
} from "../../view/turn_text";

const FIELDS = {
  number: 3,
  kind: "reply",
  outcome: "completed",
  speech_began_s: 10,
  speech_ended_s: 12,
  turn_ended_s: 12.5,
  ended_by: "model",
  function_called_s: 12.52,
  first_output_s: 12.7,
  first_audio_s: 12.8,
  first_sent_s: 12.82,
  first_heard_s: 12.91,
  last_sent_s: 15,
  played_s: 2.1,
};

function turn(more: object = {}): TurnRecord {
  return readTurn({ ...FIELDS, ...more }) as TurnRecord;
}

const named = (one: TurnRecord) =>
  partsOf(one).map(({ name, seconds }) => `${name} ${seconds.toFixed(2)}`);

it("has parts whose sum is the silence", () => {
  expect(named(turn())).toEqual([
    "speech 2.00",
    "end_of_turn 0.50",
    "handler 0.02",
    "first_audio 0.28",
    "playout 0.02",
    "heard 0.09",
    "reply 2.10",
  ]);
  const inner = partsOf(turn()).slice(1, -1);
  const sum = inner.reduce((total, { seconds }) => total + seconds, 0);
  expect(sum).toBeCloseTo(silenceOf(turn()) ?? 0, 9);
});

it.each([
  ["not heard", { first_heard_s: null }, ["playout 0.02", "reply 2.10"]],
  [
    "no audio",
    {
      first_audio_s: null,
      first_sent_s: null,
      first_heard_s: null,
      played_s: null,
      last_sent_s: null,
    },
    ["end_of_turn 0.50", "handler 0.02"],
  ],
  [
    "a failure",
    {
      outcome: "failed",
      function_ended_s: 13,
      first_audio_s: null,
      first_sent_s: null,
      first_heard_s: null,
      played_s: 0,
    },
    ["end_of_turn 0.50", "handler 0.02", "first_audio 0.48"],
  ],
  [
    "an early function",
    { function_called_s: 12.2, first_audio_s: 12.4 },
    ["end_of_turn 0.50", "playout 0.32", "heard 0.09", "reply 2.10"],
  ],
  [
    "a step that is not known",
    { function_called_s: null },
    ["end_of_turn 0.50", "first_audio 0.30", "playout 0.02", "heard 0.09", "reply 2.10"],
  ],
  [
    "audio that was sent late",
    { first_sent_s: 13, first_audio_s: 12.95 },
    ["end_of_turn 0.50", "handler 0.02", "first_audio 0.39", "reply 2.10"],
  ],
  [
    "what the program says",
    { kind: "say", speech_began_s: null, speech_ended_s: null },
    ["reply 2.10"],
  ],
  [
    "nothing",
    {
      speech_ended_s: null,
      turn_ended_s: null,
      played_s: null,
      first_heard_s: null,
      first_sent_s: null,
    },
    [],
  ],
])("draws %s", (_, fields, expected) => {
  expect(named(turn(fields)).slice(-expected.length || Infinity)).toEqual(expected);
});

it("says less of what only the page knows", () => {
  const derived = {
    ...turn({ function_called_s: null, first_audio_s: null, first_sent_s: null }),
    source: "page",
  } as const;
  expect(partsOf(derived).map(({ label }) => label)).toEqual([
    "Speech",
    "End of turn",
    "Answer",
    "Reply",
  ]);
  expect(outcomeOf({ ...derived, endedBy: null })).toBe("answered after about 0.91 s");
});

it.each([
  [{}, "answered after 0.91 s, ended by the turn model"],
  [
    { outcome: "interrupted" },
    "answered after 0.91 s, ended by the turn model, interrupted after 2.10 s",
  ],
  [
    { outcome: "failed", error: "ValueError: no", speech_ended_s: null },
    "ended by the turn model, failed: ValueError: no",
  ],
  [{ kind: "say", speech_ended_s: null, ended_by: null }, ""],
  [{ first_sent_s: null, first_heard_s: null, ended_by: "pause" }, "ended by a pause, no answer"],
])("tells of %j", (fields, expected) => {
  expect(outcomeOf(turn(fields))).toBe(expected);
});

it("names turns and durations", () => {
  expect(nameOf(turn())).toBe("Turn 3");
  expect(nameOf(turn({ kind: "start_up" }))).toBe("Greeting");
  const seconds = [0, 0.003, 0.0096, 0.314, 9.99, 9.996, 12.44, 59.96, 65.4];
  expect(seconds.map(durationText)).toEqual([
    "0 ms",
    "3 ms",
    "0.01 s",
    "0.31 s",
    "9.99 s",
    "10.0 s",
    "12.4 s",
    "1:00 min",
    "1:05 min",
  ]);
  expect([1, 0.4, 2.4, 7, 900, 9000].map(stepOf)).toEqual([0.2, 0.1, 0.5, 2, 200, 1000]);
});

it("has a scale for the usual silences", () => {
  expect([[], [2], [1, 9], [1, 1, 4], [1, 1, 60, 2, 1]].map(scaleOf)).toEqual([0, 2, 9, 4, 5]);
});

it("is a sentence for screen readers", () => {
  expect(sentenceOf(turn())).toBe(
    "Turn 3: answered after 0.91 s, ended by the turn model. Speech 2.00 s, End of turn 0.50 s, " +
      "Handler 0.02 s, First audio 0.28 s, Playout 0.02 s, Network 0.09 s, Reply 2.10 s",
  );
});

it.each([
  [[0.5, 12, 11], 4],
  [[12, 11, 10], 4],
  [[3, 0.1, 1.5, 0.2], 4],
  [[1, 2], 4],
  [[], 1],
])("draws %j in %d s, in the order of their lengths", (durations, room) => {
  const cut = cutOf(durations, room);
  const drawn = durations.map((one) => Math.min(one, cut));
  const total = durations.reduce((sum, one) => sum + one, 0);
  expect(drawn.reduce((sum, one) => sum + one, 0)).toBeCloseTo(Math.min(total, room));
  for (const [index, one] of durations.entries()) {
    for (const [other, shorter] of durations.entries()) {
      if (shorter < one) expect(drawn[other]).toBeLessThanOrEqual(drawn[index] ?? 0);
    }
  }
  expect(Math.min(...drawn)).toBeGreaterThan(0);
});
