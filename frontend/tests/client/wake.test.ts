// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { onWake, pause } from "../../client/wake";

class Network extends EventTarget {
  type: string | undefined = "wifi";
}

let network: Network;

beforeEach(() => {
  vi.useFakeTimers();
  network = new Network();
  Object.defineProperty(navigator, "connection", { value: network, configurable: true });
});
afterEach(() => {
  vi.useRealTimers();
  Object.defineProperty(document, "visibilityState", { value: "visible", configurable: true });
});

const see = (state: string) => {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
};

it("tells of a network that is back or another one, and of a page that wakes", () => {
  const told: string[] = [];
  const over = new AbortController();
  onWake((wake) => told.push(wake), over.signal);
  window.dispatchEvent(new Event("online"));
  network.type = "cellular";
  network.dispatchEvent(new Event("change"));
  network.dispatchEvent(new Event("change")); // of its speed
  expect(told).toEqual(["network", "network"]);
  see("hidden");
  see("visible");
  window.dispatchEvent(new Event("pageshow"));
  document.dispatchEvent(new Event("resume"));
  expect(told.slice(2)).toEqual(["page", "page", "page"]);
  over.abort();
  window.dispatchEvent(new Event("online"));
  see("visible");
  expect(told).toHaveLength(5);
});

it("tells of changes where the browser does not say of what", () => {
  network.type = undefined;
  const told: string[] = [];
  onWake((wake) => told.push(wake), new AbortController().signal);
  network.dispatchEvent(new Event("change"));
  expect(told).toEqual(["network"]);
});

describe("pause", () => {
  /** Returns whether a pause of 5 s is over, and whether it was woken. */
  function begin(signal: AbortSignal): () => Promise<boolean | null> {
    let over: boolean | null = null;
    void pause(5000, signal).then((woken) => (over = woken));
    return async () => {
      await Promise.resolve();
      return over;
    };
  }

  it("lasts as long as it says", async () => {
    const woken = begin(new AbortController().signal);
    vi.advanceTimersByTime(4999);
    expect(await woken()).toBeNull();
    vi.advanceTimersByTime(1);
    expect(await woken()).toBe(false);
  });

  it("ends when the network is back or the page wakes", async () => {
    for (const wake of [
      () => window.dispatchEvent(new Event("online")),
      () => {
        see("visible");
      },
    ]) {
      const woken = begin(new AbortController().signal);
      wake();
      expect(await woken()).toBe(true);
      expect(vi.getTimerCount()).toBe(0);
    }
  });

  it("ends when aborted, also before", async () => {
    const abort = new AbortController();
    const woken = begin(abort.signal);
    abort.abort();
    expect(await woken()).toBe(false);
    expect(await begin(abort.signal)()).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });
});
