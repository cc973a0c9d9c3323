import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";

const COMPONENT = path.join(import.meta.dirname, "../../../src/fastrtc/templates/component");
const MOST = 140_000; // bytes, not compressed

it("gives a page less than 140 KB to load", () => {
  const files = readdirSync(COMPONENT);
  expect(files).toEqual(expect.arrayContaining(["index.js", "style.css"]));
  const bytes = files.reduce((sum, file) => sum + statSync(path.join(COMPONENT, file)).size, 0);
  expect(bytes).toBeLessThan(MOST);
});
