import { beforeEach, expect, it } from "vitest";
import { RecordingState } from "../../client/recording";

let changes: boolean[];
let recording: RecordingState;

beforeEach(() => {
  changes = [];
  recording = new RecordingState((active) => changes.push(active));
});

const say = (data: unknown, id = "a") => {
  recording.receive({ type: "recording", data }, id);
};

it("follows the program", () => {
  expect(recording.active).toBe(false);
  say({ active: false });
  say({ active: true });
  say({ active: true });
  recording.follow("a");
  expect(recording.active).toBe(true);
  say({ active: false });
  expect(changes).toEqual([true, false]);
});

it("ends with the connection, and begins anew with another one", () => {
  say({ active: true });
  recording.follow("b");
  say({ active: true }, "b");
  recording.follow("b");
  recording.follow(null);
  expect(changes).toEqual([true, false, true, false]);
});

it.each([null, true, "active", {}, { active: 1 }])("ignores %j", (data) => {
  say(data);
  recording.receive({ type: "mine", data: { active: true } }, "a");
  expect(changes).toEqual([]);
});
