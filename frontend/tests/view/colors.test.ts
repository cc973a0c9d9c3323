/** The contrast of the colors that the style sheets declare (WCAG 1.4.3 and 1.4.11). */

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

type Color = readonly [number, number, number];
type Variables = Record<string, string>;

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

/** The variables of the first rule with a selector. */
function variablesOf(css: string, selector: string): Variables {
  const start = css.indexOf(`\n${selector}`);
  expect(start, selector).toBeGreaterThan(-1);
  const body = css.slice(css.indexOf("{", start), css.indexOf("}", start));
  return Object.fromEntries(
    [...body.matchAll(/(--[\w-]+):\s*([^;]+);/g)].map(([, name = "", value = ""]) => [name, value]),
  );
}

function colorOf(value: string, variables: Variables): Color {
  const [, name = "", fallback = ""] = /^var\((--[\w-]+)(?:, (.+))?\)$/.exec(value) ?? [];
  if (name) return colorOf(variables[name] ?? fallback, variables);
  const [, one = "", share = "", other = ""] =
    /^color-mix\(in srgb, (.+) (\d+)%, (.+)\)$/.exec(value) ?? [];
  if (share) {
    const [a, b] = [colorOf(one, variables), colorOf(other, variables)];
    const mix = (index: 0 | 1 | 2) =>
      (a[index] * Number(share) + b[index] * (100 - Number(share))) / 100;
    return [mix(0), mix(1), mix(2)];
  }
  const [, digits = ""] = /^#([0-9a-f]{3}|[0-9a-f]{6})$/.exec(value) ?? [];
  expect(digits, `${value} is a color`).not.toBe("");
  const long = digits.length === 3 ? digits.replace(/./g, "$&$&") : digits;
  const channel = (at: number) => parseInt(long.slice(at, at + 2), 16);
  return [channel(0), channel(2), channel(4)];
}

function luminanceOf(color: Color): number {
  const [red, green, blue] = color.map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as unknown as Color;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrastOf(one: Color, other: Color): number {
  const [a, b] = [luminanceOf(one), luminanceOf(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

const VIEW = read("view/style.css");
const PLAYGROUND = read("playground/style.css");
const TIMELINE = read("view/timeline.css");
const DEBUG = read("../src/fastrtc/server/debug_page/debug.css");

const light = {
  view: variablesOf(VIEW, ".frtc {"),
  playground: variablesOf(PLAYGROUND, ".pg {"),
  timeline: variablesOf(TIMELINE, ".frtc-timeline {"),
  debug: variablesOf(`\n${DEBUG}`, ":root {"),
};
const dark = {
  view: { ...light.view, ...variablesOf(VIEW, ".dark .frtc,") },
  playground: { ...light.playground, ...variablesOf(PLAYGROUND, ".dark .pg {") },
  timeline: { ...light.timeline, ...variablesOf(TIMELINE, ".dark .frtc-timeline {") },
  debug: { ...light.debug, ...variablesOf(DEBUG, "  :root {") },
};
const THEMES = { light, dark };

/** Each color, and those that it is drawn on. */
const TEXT = {
  "--frtc-ink": ["--frtc-card", "--frtc-page", "--frtc-sunk", "--frtc-hover"],
  "--frtc-soft": ["--frtc-card", "--frtc-page", "--frtc-sunk", "--frtc-hover"],
  "--frtc-bad": ["--frtc-card", "--frtc-sunk", "--frtc-bad-back"],
  "--frtc-note": ["--frtc-note-back"],
  "--frtc-main-ink": ["--frtc-main"],
};
const GRAPHICS = {
  "--frtc-sent": ["--frtc-card", "--frtc-sunk"],
  "--frtc-received": ["--frtc-card", "--frtc-sunk"],
  "--frtc-focus": ["--frtc-card", "--frtc-page", "--frtc-sunk"],
  "--frtc-control-edge": ["--frtc-card", "--frtc-sunk"],
  "--frtc-stop": ["--frtc-card"],
};
const PARTS = {
  "--frtc-sent": ["--frtc-card"],
  "--tl-end": ["--frtc-card"],
  "--tl-handler": ["--frtc-card"],
  "--tl-audio": ["--frtc-card"],
  "--tl-playout": ["--frtc-card"],
  "--tl-heard": ["--frtc-card"],
  "--frtc-received": ["--frtc-card"],
};
const DEBUG_TEXT = {
  "--text": ["--back", "--card"],
  "--quiet": ["--back", "--card"],
  "--bad": ["--back", "--card"],
};
const DEBUG_GRAPHICS = { "--accent": ["--back", "--card"] };

/** The pairs with less contrast than the least. */
function pale(variables: Variables, pairs: Record<string, string[]>, least: number): string[] {
  return Object.entries(pairs).flatMap(([name, grounds]) =>
    grounds.flatMap((ground) => {
      const [color, back] = [`var(${name})`, `var(${ground})`];
      const contrast = contrastOf(colorOf(color, variables), colorOf(back, variables));
      return contrast < least ? [`${name} on ${ground}: ${contrast.toFixed(2)}`] : [];
    }),
  );
}

it.each(["light", "dark"] as const)("can be read in the %s theme", (theme) => {
  const { view, playground, debug } = THEMES[theme];
  for (const variables of [view, playground]) {
    expect(pale(variables, TEXT, 4.5)).toEqual([]);
    expect(pale(variables, GRAPHICS, 3)).toEqual([]);
  }
  expect(pale(debug, DEBUG_TEXT, 4.5)).toEqual([]);
  expect(pale(debug, DEBUG_GRAPHICS, 3)).toEqual([]);
});

it.each(["light", "dark"] as const)("shows the parts of a turn in the %s theme", (theme) => {
  const { view, playground, debug, timeline } = THEMES[theme];
  for (const page of [view, playground, debug]) {
    expect(pale({ ...page, ...timeline }, PARTS, 3)).toEqual([]);
  }
});
