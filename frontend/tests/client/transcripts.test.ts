import { beforeEach, expect, it } from "vitest";
import { Transcripts, type Transcript } from "../../client/transcripts";

let changes: Transcript[];
let transcripts: Transcripts;

beforeEach(() => {
  changes = [];
  transcripts = new Transcripts((change) => changes.push(change));
});

const said = (text: string, more: object = {}) => {
  const data = { text, who: "assistant", final: true, id: null, ...more };
  transcripts.receive({ type: "transcript", data });
};
const texts = () => transcripts.list.map(({ text }) => text);
const keys = () => changes.map(({ key }) => key);

it("keeps what both sides say, in order", () => {
  said(" How are you? ", { who: "user" });
  said("Fine.");
  expect(transcripts.list).toEqual([
    { key: 0, who: "user", text: "How are you?", final: true, id: null, interrupted: false },
    { key: 1, who: "assistant", text: "Fine.", final: true, id: null, interrupted: false },
  ]);
  expect(changes).toEqual(transcripts.list);
});

it("replaces a version that is not final, of the same side only", () => {
  said("How", { who: "user", final: false });
  said("Hello");
  said("How are", { who: "user", final: false });
  said("How are you?", { who: "user" });
  said("And", { who: "user" });
  expect(texts()).toEqual(["How are you?", "Hello", "And"]);
  expect(keys()).toEqual([0, 1, 0, 0, 2]);
});

it("replaces the one with the same id, also after it was final", () => {
  said("One", { id: "a" });
  said("Two", { id: "b", final: false });
  said("none", { final: false });
  said("One and a half", { id: "a" });
  said("Two!", { id: "b" });
  said("other", { id: "b", who: "user" });
  expect(texts()).toEqual(["One and a half", "Two!", "none", "other"]);
});

it("removes what is withdrawn, and ignores what never was", () => {
  said("Wha", { who: "user", final: false });
  said("", { who: "user" });
  said("", { id: "unknown" });
  expect(texts()).toEqual([]);
  expect(changes.map(({ text }) => text)).toEqual(["Wha", ""]);
  said("What?", { who: "user" });
  expect(texts()).toEqual(["What?"]);
});

it("marks the text that was interrupted, if it is of the reply that was", () => {
  said("Hello");
  transcripts.receive({ type: "interrupted", data: "interrupted" });
  expect(transcripts.list[0]?.interrupted).toBe(true);
  transcripts.receive({ type: "interrupted" });
  expect(changes.length).toBe(2);
  transcripts.receive({ type: "log", data: "response_starting" });
  transcripts.receive({ type: "interrupted" });
  expect(changes.length).toBe(2);
  transcripts.receive({ type: "log", data: "response_starting" });
  said("It is", { final: false });
  said("Stop", { who: "user", final: false });
  transcripts.receive({ type: "interrupted" });
  expect(changes.at(-1)).toMatchObject({ text: "It is", final: true, interrupted: true });
});

it("replaces nothing of another session", () => {
  transcripts.follow("a");
  said("One", { id: "1" });
  said("Wha", { who: "user", final: false });
  transcripts.follow("a");
  said("One!", { id: "1" });
  transcripts.follow("b");
  said("Uno", { id: "1" });
  said("Que", { who: "user", final: false });
  expect(texts()).toEqual(["One!", "Wha", "Uno", "Que"]);
});

it("is bounded", () => {
  for (let number = 0; number < 105; number++) said(`Number ${number}`);
  expect(transcripts.list.length).toBe(100);
  expect(texts()[0]).toBe("Number 5");
  said("a".repeat(20_000));
  expect(texts().at(-1)?.length).toBe(10_000);
  transcripts.clear();
  expect(transcripts.list).toEqual([]);
});

it.each([
  null,
  "Hello",
  ["Hello"],
  {},
  { who: "nobody", text: "Hello" },
  { who: "user", text: 5 },
  { who: "user" },
])("ignores %j", (data) => {
  transcripts.receive({ type: "transcript", data });
  transcripts.receive({ type: "mine", data: { who: "user", text: "Hello" } });
  expect(changes).toEqual([]);
});
