import { expect, it } from "vitest";
import { Voice, type Source } from "../../view/voices";
import { waveAt } from "../../view/waves";

const loud: Source = { level: () => -6, bands: (count) => new Array<number>(count).fill(0.5) };
const silent: Source = { level: () => -60, bands: (count) => new Array<number>(count).fill(0) };

function after(voice: Voice, source: Source | null, milliseconds: number): Voice {
  for (let elapsed = 0; elapsed < milliseconds; elapsed += 20) voice.follow(source, 20);
  return voice;
}

it("rises fast to full for a near voice, and falls slowly to nothing", () => {
  const voice = new Voice();
  expect(after(voice, loud, 300).level).toBeCloseTo(1, 1);
  expect(after(voice, silent, 100).level).toBeGreaterThan(0.5);
  expect(after(voice, silent, 2000).level).toBeCloseTo(0, 2);
});

it("is silent without a source", () => {
  expect(after(new Voice(), null, 500).level).toBe(0);
});

it("does not depend on how often the screen is drawn", () => {
  const [often, seldom] = [new Voice(), new Voice()];
  for (let frame = 0; frame < 10; frame += 1) often.follow(loud, 10);
  seldom.follow(loud, 100);
  expect(often.level).toBeCloseTo(seldom.level, 6);
});

it("draws a wave that ends at the edges, grows with the level and stays inside", () => {
  const heights = (voice: Voice): number[] =>
    Array.from({ length: 200 }, (_, index) =>
      Math.abs(waveAt(index / 199, { voice, color: "", offset: 0, still: false }, 1, 0, 0.4)),
    );
  const quiet = heights(after(new Voice(), silent, 500));
  const full = heights(after(new Voice(), loud, 500));
  expect(full[0]).toBeCloseTo(0);
  expect(full.at(-1)).toBeCloseTo(0);
  expect(Math.max(...quiet)).toBeGreaterThan(0); // it breathes
  expect(Math.max(...full)).toBeGreaterThan(5 * Math.max(...quiet));
  expect(Math.max(...full)).toBeLessThan(1);
});

it("draws a muted side as a straight line", () => {
  const voice = new Voice();
  voice.rest();
  const strand = { voice, color: "", offset: 0, still: true };
  expect([0.1, 0.5, 0.8].map((place) => waveAt(place, strand, 1, 0, 0.4))).toEqual([0, 0, 0]);
});
