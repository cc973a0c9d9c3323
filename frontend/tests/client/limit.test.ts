import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { inTime, onAbort } from "../../client/limit";
import { FastRTCError } from "../../client/errors";

const LATE = new FastRTCError("server_timeout", "Too late.");

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it("calls all functions of a signal that were not removed, with one listener", () => {
  const controller = new AbortController();
  const { signal } = controller;
  const listen = vi.spyOn(signal, "addEventListener");
  const called: number[] = [];
  const stops = [1, 2, 3].map((number) => onAbort(signal, () => called.push(number)));
  stops[1]?.();
  controller.abort();
  expect(called).toEqual([1, 3]);
  expect(listen).toHaveBeenCalledTimes(1);
  onAbort(undefined, () => called.push(4))();
});

it("waits for an answer, and no longer", async () => {
  await expect(inTime(Promise.resolve(5), LATE)).resolves.toBe(5);
  const never = new Promise(() => undefined);
  const late = expect(inTime(never, LATE, undefined, 100)).rejects.toBe(LATE);
  await vi.advanceTimersByTimeAsync(100);
  await late;
  const controller = new AbortController();
  const ended = expect(inTime(never, LATE, controller.signal)).rejects.toBe(LATE);
  controller.abort();
  await ended;
  await expect(inTime(never, LATE, controller.signal)).rejects.toBe(LATE);
  expect(vi.getTimerCount()).toBe(0);
});
