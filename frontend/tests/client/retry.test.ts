import { describe, expect, it } from "vitest";
import { FastRTCError } from "../../client/errors";
import { isPassing, reconnectPlan } from "../../client/retry";

describe("the plan", () => {
  it("has defaults, and takes what is given", () => {
    expect(reconnectPlan(undefined)).toMatchObject({ tries: 6, grace: 3000, newSession: true });
    expect(reconnectPlan(true)).toEqual(reconnectPlan(undefined));
    expect(reconnectPlan({ tries: 2 })).toMatchObject({ tries: 2, backOff: 1000 });
  });

  it("waits less for a session that can be resumed", () => {
    expect(reconnectPlan(true, true)).toMatchObject({ grace: 1000 });
    expect(reconnectPlan({ grace: 200 }, true)).toMatchObject({ grace: 200 });
  });

  it("may be not to try, but to wait longer", () => {
    expect(reconnectPlan(false)).toMatchObject({ tries: 0, grace: 8000 });
  });
});

it("knows what may pass", () => {
  expect(isPassing(new FastRTCError("server_unreachable", ""))).toBe(true);
  expect(isPassing(new FastRTCError("resume_elsewhere", ""))).toBe(true);
  expect(isPassing(new FastRTCError("forbidden", ""))).toBe(false);
  expect(isPassing(new FastRTCError("resume_refused", ""))).toBe(false);
});
