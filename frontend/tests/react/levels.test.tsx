// @vitest-environment happy-dom
import { act } from "react";
import { beforeEach, expect, it, vi } from "vitest";
import type { Meter } from "@fastrtc/client";
import { AudioLevel, useLevel, type Side, type StreamHandle } from "@fastrtc/react";
import { prepare, render } from "./render";

prepare();

/** The frames that wait to be drawn. */
let frames: Map<number, FrameRequestCallback>;
let time: number;

beforeEach(() => {
  frames = new Map();
  time = 0;
  let count = 0;
  vi.stubGlobal("requestAnimationFrame", (draw: FrameRequestCallback) => {
    frames.set(++count, draw);
    return count;
  });
  vi.stubGlobal("cancelAnimationFrame", (id: number) => frames.delete(id));
});

/** Draw a frame some ms later. */
function draw(later: number): void {
  time += later;
  const waiting = [...frames.values()];
  frames.clear();
  act(() => {
    for (const one of waiting) one(time);
  });
}

const meterAt = (level: number) => ({ level: vi.fn(() => level) });
const handle = (local: unknown, remote: unknown = null) =>
  ({ state: "connected", levels: { local, remote } }) as Pick<StreamHandle, "levels" | "state">;

it("is a number of dB, read 20 times a second", async () => {
  const renders: number[] = [];
  function Level({ stream, side }: { stream: ReturnType<typeof handle>; side?: Side }) {
    const level = useLevel(stream, side);
    renders.push(level);
    return <b>{level}</b>;
  }
  const meter = meterAt(-23.4);
  const { element, rerender } = await render(<Level stream={handle(null)} />);
  expect(element.textContent).toBe("-60");
  expect(frames.size).toBe(0);
  await rerender(<Level stream={handle(meter)} />);
  draw(100);
  expect(element.textContent).toBe("-23");
  const count = renders.length;
  for (let times = 0; times < 6; times++) draw(16);
  expect(meter.level).toHaveBeenCalledTimes(2);
  expect(renders.length - count).toBeLessThanOrEqual(1); // the level is the same
  await rerender(<Level stream={handle(meter, meterAt(-9))} side="remote" />);
  draw(100);
  expect(element.textContent).toBe("-9");
  await rerender(<Level stream={handle(null)} />);
  expect(element.textContent).toBe("-60");
  expect(frames.size).toBe(0);
});

it("is drawn without renders", async () => {
  let level = -12;
  const meter = { level: () => level } as unknown as Meter;
  const { element, rerender, unmount } = await render(
    <AudioLevel stream={handle(meter)} className="mine" style={{ width: 10 }} />,
  );
  const bar = element.firstElementChild as HTMLElement;
  const shown = () => Number(bar.style.getPropertyValue("--fastrtc-level"));
  expect(bar.getAttribute("role")).toBe("meter");
  expect(bar.getAttribute("aria-label")).toBe("Microphone level");
  expect(bar.className).toBe("fastrtc-level mine");
  draw(1000);
  expect(shown()).toBe(1);
  expect(bar.getAttribute("aria-valuenow")).toBe("-12");
  expect(bar.getAttribute("aria-valuetext")).toBe("-12 dB");
  level = -60;
  draw(180);
  expect(shown()).toBeCloseTo(1 / Math.E, 2);
  expect(bar.getAttribute("aria-valuenow")).toBe("-12"); // twice a second is enough
  draw(500);
  expect(bar.getAttribute("aria-valuenow")).toBe("-60");
  level = -32;
  draw(500);
  expect(shown()).toBe(0.5);
  await rerender(<AudioLevel stream={handle(null)} style={{ width: 20 }} />);
  expect(bar.style.getPropertyValue("--fastrtc-level")).toBe("");
  expect(bar.style.width).toBe("20px");
  await rerender(<AudioLevel stream={handle(meter)} side="remote" />);
  expect(bar.dataset).toMatchObject({ side: "remote", state: "connected" });
  expect(frames.size).toBe(0);
  await unmount();
  expect(frames.size).toBe(0);
});
