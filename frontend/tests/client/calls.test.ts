import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Calls } from "../../client/calls";
import { FastRTCError } from "../../client/errors";

let sent: Record<string, unknown>[];
let open: boolean;
let calls: Calls;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  open = true;
  calls = new Calls((message) => {
    if (open) sent.push(message as Record<string, unknown>);
    return open;
  });
});
afterEach(() => {
  vi.useRealTimers();
});

const settle = () => vi.advanceTimersByTimeAsync(0);
const ask = (name: unknown, data?: unknown) => {
  calls.receive({ type: "call", id: "server-1", name, data });
  return settle();
};
const reason = async (call: Promise<unknown>) => {
  const error: unknown = await call.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(FastRTCError);
  const { code, details } = error as FastRTCError;
  expect(code).toBe("call_failed");
  return details["reason"];
};

it("answers calls of the program", async () => {
  calls.handle("double", (value: number) => value * 2);
  calls.handle("later", () => Promise.resolve({ a: 1 }));
  calls.handle("nothing", () => undefined);
  await ask("double", 4);
  await ask("later");
  await ask("nothing");
  const result = { type: "result", id: "server-1" };
  expect(sent).toEqual([
    { ...result, data: 8 },
    { ...result, data: { a: 1 } },
    { ...result, data: null },
  ]);
});

it("answers with an error what it cannot do", async () => {
  calls.handle("fails", () => {
    throw new Error("not allowed");
  });
  calls.handle("odd", () => {
    throw "a text"; // eslint-disable-line @typescript-eslint/only-throw-error
  });
  calls.handle("circular", () => {
    const value: Record<string, unknown> = {};
    return (value["self"] = value);
  });
  calls.handle("large", () => "a".repeat(70_000));
  calls.handle("gone", () => 1);
  calls.handle("gone", null);
  for (const name of ["fails", "odd", "circular", "large", "gone", "unknown", 3]) await ask(name);
  const errors = sent.map(({ error }) => error);
  expect(errors[2]).toMatch(/circular/i);
  errors.splice(2, 1);
  expect(errors).toEqual([
    "not allowed",
    "a text",
    "The result has more than 64 KB",
    'There is no function "gone"',
    'There is no function "unknown"',
    "There is no function 3",
  ]);
});

it("calls methods of the program", async () => {
  const first = calls.call("price", { item: "tea" });
  const second = calls.call("price", null);
  expect(sent[0]).toEqual({ type: "call", id: "page-1", name: "price", data: { item: "tea" } });
  calls.receive({ type: "result", id: "page-2", error: "no item" });
  calls.receive({ type: "result", id: "page-1", data: 2.5 });
  calls.receive({ type: "result", id: "page-1", data: 3 });
  expect(await first).toBe(2.5);
  expect(await reason(second)).toBe("no item");
});

it("rejects calls without an answer", async () => {
  const late = reason(calls.call("slow", null, 2000));
  await vi.advanceTimersByTimeAsync(2000);
  expect(await late).toBe("There was no answer within 2 s.");
  calls.receive({ type: "result", id: "page-1", data: 1 });
  const lost = reason(calls.call("slow", null));
  calls.end();
  expect(await lost).toBe("The connection has ended.");
  expect(await reason(calls.call("f", "a".repeat(70_000)))).toBe("The call has more than 64 KB.");
  open = false;
  expect(await reason(calls.call("f", null))).toBe("There is no connection.");
  expect(vi.getTimerCount()).toBe(0);
});
