import { describe, expect, it } from "vitest";
import { InputHistory, readJson, readObject } from "../../playground/json_input";

describe("readJson", () => {
  it("reads JSON, and nothing as null", () => {
    expect(readJson(' {"a": [1]} ')).toEqual({ value: { a: [1] } });
    expect(readJson("")).toEqual({ value: null });
  });

  it.each([
    ["hello", 'This is not JSON. A string has quotes: "hello"'],
    ["{'a': 1}", "This is not JSON: it has double quotes."],
    ['{"a": 1', "This is not complete JSON."],
  ])("says what is wrong with %s", (typed, error) => {
    expect(readJson(typed)).toEqual({ error });
  });

  it("says where it is wrong", () => {
    const read = readJson('{"a": 1,\n "b" 2}');
    expect(read).toEqual({ error: "This is not JSON: look at line 2, column 6." });
  });
});

it("reads objects only", () => {
  expect(readObject('{"a": 1}')).toEqual({ value: { a: 1 } });
  expect(readObject("")).toEqual({ value: null });
  expect(readObject("[1]")).toHaveProperty("error");
  expect(readObject('"a"')).toHaveProperty("error");
});

describe("InputHistory", () => {
  it("goes back and forth, and keeps what is being typed", () => {
    const history = new InputHistory();
    history.push("1");
    history.push("2");
    expect(history.up("draft")).toBe("2");
    expect(history.up("2")).toBe("1");
    expect(history.up("1")).toBeNull();
    expect(history.down()).toBe("2");
    expect(history.down()).toBe("draft");
    expect(history.down()).toBeNull();
  });

  it("keeps each input once, and not too many", () => {
    const history = new InputHistory(2);
    for (const input of ["1", "2", "1", " ", "3"]) history.push(input);
    expect([history.up(""), history.up(""), history.up("")]).toEqual(["3", "1", null]);
  });
});
