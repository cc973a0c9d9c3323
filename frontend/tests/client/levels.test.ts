import { describe, expect, it } from "vitest";
import { toBands, toDecibels } from "../../client/levels";

it("measures in decibels, from silence to full scale", () => {
  expect(toDecibels(0)).toBe(-60);
  expect(toDecibels(1)).toBeCloseTo(0);
  expect(toDecibels(0.1)).toBeCloseTo(-20);
});

describe("bands", () => {
  const RATE = 48_000;
  const BINS = 1024;

  /** The band in which a tone is loudest. */
  function bandOf(frequency: number): number {
    const strengths = new Uint8Array(BINS);
    strengths[Math.round(frequency / (RATE / 2 / BINS))] = 255;
    const bands = toBands(strengths, RATE, 8);
    return bands.indexOf(Math.max(...bands));
  }

  it("go from low to high, equally wide to the ear", () => {
    expect([100, 300, 900, 2700, 7000].map(bandOf)).toEqual([0, 2, 4, 6, 7]);
  });

  it("are 0 in silence and 1 at full strength", () => {
    expect(toBands(new Uint8Array(BINS), RATE, 5)).toEqual([0, 0, 0, 0, 0]);
    expect(toBands(new Uint8Array(BINS).fill(255), RATE, 3)).toEqual([1, 1, 1]);
  });
});
