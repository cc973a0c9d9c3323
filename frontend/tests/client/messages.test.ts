import { describe, expect, it } from "vitest";
import { conversationOf, eventOf, isEcho, parseMessage } from "../../client/messages";

describe("parseMessage", () => {
  it("reads JSON with a type", () => {
    const message = { type: "mine", data: { a: 1 } };
    expect(parseMessage(JSON.stringify(message))).toEqual(message);
  });

  it.each([
    ["hello", "hello"],
    ["[1]", [1]],
    ["null", null],
    ['{"type": 3}', { type: 3 }],
  ])("makes a message of %s, too", (text, data) => {
    expect(parseMessage(text)).toEqual({ type: "text", data });
  });
});

describe("eventOf", () => {
  it.each(["log", "started_talking", "interrupted", "stopword", "end_stream", "update_connection"])(
    "gives the text of %s",
    (type) => {
      expect(eventOf({ type, data: "it" })).toEqual({ name: type, detail: "it" });
    },
  );

  it.each(["error", "warning"])("finds the text of %s under either key", (type) => {
    expect(eventOf({ type, message: "new", data: "new" })).toEqual({ name: type, detail: "new" });
    expect(eventOf({ type, data: "old" })).toEqual({ name: type, detail: "old" });
  });

  it("hands on the whole message of send_input and fetch_output", () => {
    const message = { type: "send_input", data: [] };
    expect(eventOf(message)).toEqual({ name: "send_input", detail: message });
  });

  it("gives none for types that programs invent", () => {
    expect(eventOf({ type: "mine", data: 1 })).toBeNull();
  });

  it("writes what is no text as JSON, and nothing as nothing", () => {
    expect(eventOf({ type: "log", data: { a: 1 } })?.detail).toBe('{"a":1}');
    expect(eventOf({ type: "stopword" })?.detail).toBe("");
  });
});

it("knows the echo of what a page sent", () => {
  expect(isEcho("Server received: hello")).toBe(true);
  expect(isEcho("pause_detected")).toBe(false);
});

describe("conversationOf", () => {
  it.each([
    [{ state: "thinking" }, { state: "thinking", manual: false }],
    [
      { state: "listening", turn_detection: "manual" },
      { state: "listening", manual: true },
    ],
    [
      { state: 3, turn_detection: "vad" },
      { state: null, manual: false },
    ],
    [{}, { state: null, manual: false }],
    ["thinking", { state: null, manual: false }],
    [null, { state: null, manual: false }],
  ])("reads %j", (data, said) => {
    expect(conversationOf({ type: "conversation", data })).toEqual(said);
  });

  it("ignores other messages", () => {
    expect(conversationOf({ type: "log", data: { state: "thinking" } })).toBe(null);
  });
});
