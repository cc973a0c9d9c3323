import { describe, expect, it } from "vitest";
import { FastRTCError, type ErrorCode } from "../../client/errors";
import { ReconnectPolicy, type Loss, type Step } from "../../client/reconnection";
import { reconnectPlan } from "../../client/retry";
import type { ReconnectOptions } from "../../client/types";

const error = (code: ErrorCode) => new FastRTCError(code, "");

function make(loss: Partial<Loss> = {}, options: ReconnectOptions = {}, random = () => 0) {
  const given = { now: 0, keptFor: 30_000, renews: true, ...loss };
  return new ReconnectPolicy(reconnectPlan(options, given.keptFor !== null), given, random);
}

/** Runs a policy whose attempts all fail at once, and returns what it does and when. */
function run(policy: ReconnectPolicy, fails: ErrorCode = "server_unreachable") {
  const done: [number, Step["do"]][] = [];
  for (let now = 0; ;) {
    const step = policy.step(now);
    if (step.do === "wait") {
      now += step.milliseconds;
      continue;
    }
    done.push([now, step.do]);
    if (step.do === "give_up") return done;
    policy.failed(error(fails), now);
  }
}

const times = (done: [number, Step["do"]][], what: Step["do"]) =>
  done.filter(([, step]) => step === what).map(([at]) => at);

describe("a session that is kept", () => {
  it("is resumed for as long, ever less often, and then followed by a new one", () => {
    const done = run(make({ keptFor: 20_000 }));
    expect(times(done, "resume")).toEqual([0, 500, 1500, 3500, 6500, 9500, 12_500, 15_500, 18_500]);
    expect(times(done, "renew").slice(0, 3)).toEqual([20_000, 21_000, 23_000]);
    expect(done.at(-1)?.[1]).toBe("give_up");
  });

  it("has attempts that may take longer and longer", () => {
    const policy = make({ keptFor: 60_000 });
    const timeouts: (number | null)[] = [];
    for (let now = 0; timeouts.length < 5; now += 3000) {
      const step = policy.step(now);
      if (step.do === "resume") timeouts.push(step.timeout);
      policy.failed(error("server_timeout"), now);
    }
    expect(timeouts).toEqual([2500, 3750, 5625, 8437.5, 10_000]);
  });

  it("is given up at once when the server refuses it", () => {
    const policy = make();
    expect(policy.step(0).do).toBe("resume");
    policy.failed(error("resume_refused"), 100);
    expect(policy.keptFor(100)).toBeNull();
    expect(policy.step(100)).toEqual({ do: "renew", timeout: null });
    expect(policy.attempts).toBe(2);
  });

  it("is the end if there is to be no new one", () => {
    const policy = make({ renews: false });
    policy.step(0);
    policy.failed(error("resume_refused"), 0);
    expect(policy.step(0).do).toBe("give_up");
    expect(policy.last?.code).toBe("resume_refused");
    expect(times(run(make({ renews: false })), "renew")).toEqual([]);
  });

  it("is known to be kept for less and less", () => {
    const policy = make({ now: 1000, keptFor: 30_000 });
    expect(policy.keptFor(1000)).toBe(30_000);
    expect(policy.keptFor(11_000)).toBe(20_000);
    expect(policy.keptFor(99_000)).toBe(0);
  });
});

describe("a session that is not kept", () => {
  it("is followed by a new one, tried for some 25 s", () => {
    const done = run(make({ keptFor: null }));
    expect(times(done, "renew")).toEqual([0, 1000, 3000, 7000, 15_000, 23_000]);
    expect(done.at(-1)).toEqual([23_000, "give_up"]);
  });

  it("is the end without tries", () => {
    expect(run(make({ keptFor: null }, { tries: 0 }))).toEqual([[0, "give_up"]]);
  });
});

it("stops at once when another attempt cannot help", () => {
  expect(run(make(), "forbidden")).toEqual([
    [0, "resume"],
    [0, "give_up"],
  ]);
});

it("spreads the attempts of many clients", () => {
  const half = run(make({ keptFor: null }, {}, () => 1));
  expect(times(half, "renew")).toEqual([0, 500, 1500, 3500, 7500, 11_500]);
});

it("tries at once when the network is back, but not all the time", () => {
  const policy = make();
  policy.step(0);
  policy.failed(error("server_unreachable"), 100);
  policy.wake(200);
  expect(policy.step(200)).toEqual({ do: "wait", milliseconds: 300 });
  expect(policy.isStale(499)).toBe(false);
  expect(policy.step(500).do).toBe("resume");
  expect(policy.isStale(1000)).toBe(true);
  policy.failed(error("server_unreachable"), 2000);
  policy.wake(2001);
  expect(policy.step(2001).do).toBe("resume");
});
