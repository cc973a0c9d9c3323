// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FastRTCError } from "../../client/errors";
import { isPassing, pause, reconnectPlan, waitBefore } from "../../client/retry";

describe("the plan", () => {
  it("tries for some 25 s by default", () => {
    const plan = reconnectPlan(undefined);
    const waits = Array.from({ length: plan.tries }, (_, attempt) => waitBefore(attempt, plan));
    expect(waits).toEqual([0, 1000, 2000, 4000, 8000, 8000]);
    expect(reconnectPlan(true)).toEqual(plan);
  });

  it("takes what is given", () => {
    expect(reconnectPlan({ tries: 2 })).toMatchObject({ tries: 2, backOff: 1000 });
  });

  it("may be not to try, but to wait longer", () => {
    expect(reconnectPlan(false)).toMatchObject({ tries: 0, grace: 8000 });
  });
});

it("knows what may pass", () => {
  expect(isPassing(new FastRTCError("server_unreachable", ""))).toBe(true);
  expect(isPassing(new FastRTCError("forbidden", ""))).toBe(false);
});

describe("pause", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Whether a pause of 5 s is over. */
  function begin(signal: AbortSignal): () => Promise<boolean> {
    let over = false;
    void pause(5000, signal).then(() => (over = true));
    return async () => {
      await Promise.resolve();
      return over;
    };
  }

  it("lasts as long as it says", async () => {
    const isOver = begin(new AbortController().signal);
    vi.advanceTimersByTime(4999);
    expect(await isOver()).toBe(false);
    vi.advanceTimersByTime(1);
    expect(await isOver()).toBe(true);
  });

  it("ends when the network is back", async () => {
    const isOver = begin(new AbortController().signal);
    window.dispatchEvent(new Event("online"));
    expect(await isOver()).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends when aborted, also before", async () => {
    const abort = new AbortController();
    const isOver = begin(abort.signal);
    abort.abort();
    expect(await isOver()).toBe(true);
    expect(await begin(abort.signal)()).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});
