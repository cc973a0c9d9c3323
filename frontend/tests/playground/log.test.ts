import { describe, expect, it } from "vitest";
import { Log, timeText } from "../../playground/log";

const ALL = { way: "all", search: "" } as const;

describe("Log", () => {
  it("shows a message as its type and one line", () => {
    const log = new Log();
    expect(log.sent({ type: "hello", data: 1 }, 0)).toMatchObject({ type: "hello", text: "1" });
    expect(log.sent("plain", 0)).toMatchObject({ type: "text", text: "plain" });
    expect(log.sent({ type: "call", id: "1", name: "add", data: [1] }, 0).text).toBe("add([1])");
    expect(log.sent({ type: "call", id: "2", name: "add", data: null }, 0).text).toBe("add()");
    const said = { type: "transcript", data: { who: "user", text: "Hello" } };
    expect(log.received(said, 0)?.text).toBe("user: Hello");
    const turn = { type: "turn", data: { number: 2, kind: "reply", outcome: "completed" } };
    expect(log.received(turn, 0)?.text).toBe("2, reply: completed");
    expect(log.received({ type: "conversation", data: { state: "thinking" } }, 0)).toMatchObject({
      text: "thinking",
      tone: "quiet",
    });
    expect(log.received({ type: "error", data: "no", message: "no" }, 0)).toMatchObject({
      text: "no",
      tone: "bad",
    });
  });

  it("leaves out the confirmations of the server", () => {
    const log = new Log();
    expect(log.received({ type: "log", data: 'Server received: {"type":"a"}' }, 0)).toBeNull();
    expect(log.received({ type: "log", data: "pause_detected" }, 0)).not.toBeNull();
    expect(log.list(ALL)).toHaveLength(1);
  });

  it("tells how long a call took, in both directions", () => {
    const log = new Log();
    const call = log.sent({ type: "call", id: "page-1", name: "add" }, 100);
    const other = log.received({ type: "call", id: "page-1", name: "where" }, 110);
    const result = log.received({ type: "result", id: "page-1", data: 3 }, 130);
    expect([call.took, result?.took, other?.took]).toEqual([30, 30, null]);
    log.sent({ type: "result", id: "page-1", error: "none" }, 150);
    expect(other?.took).toBe(40);
    expect(log.list(ALL).at(-1)).toMatchObject({ tone: "bad" });
    expect(log.received({ type: "result", id: "page-1", data: 3 }, 160)?.took).toBeNull();
  });

  it("filters by direction and by text", () => {
    const log = new Log();
    log.sent({ type: "hello", data: "Oslo" }, 0);
    log.received({ type: "answer", data: "oslo" }, 0);
    log.event("state", "idle → asking", 0);
    expect(log.list({ way: "event", search: "" }).map(({ type }) => type)).toEqual(["state"]);
    expect(log.list({ way: "all", search: " OSLO" })).toHaveLength(2);
    expect(log.list({ way: "sent", search: "answer" })).toHaveLength(0);
    log.clear();
    expect(log.list(ALL)).toHaveLength(0);
  });

  it("keeps the newest 500", () => {
    const log = new Log();
    for (let index = 0; index < 510; index++) log.event("e", String(index), 0);
    expect(log.list(ALL)).toHaveLength(500);
    expect(log.list(ALL)[0]?.text).toBe("10");
    const call = log.sent({ type: "call", id: "1", name: "add" }, 0);
    for (let index = 0; index < 500; index++) log.event("e", String(index), 0);
    expect(log.received({ type: "result", id: "1", data: 3 }, 5)?.took).toBeNull();
    expect(call.took).toBeNull();
  });
});

it("writes times with milliseconds", () => {
  expect(timeText(new Date(2026, 0, 2, 3, 4, 5, 6).getTime())).toBe("03:04:05.006");
});
