/**
 * Write the reference of the packages into the documentation, from their type declarations.
 *
 *     node reference.mjs           writes the pages
 *     node reference.mjs --check   compares them with the committed files
 *
 * The pages look as those of the Python package do. A public name or member without a description
 * is an error.
 */

import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { readDeclarations } from "./reference/read.mjs";
import { render } from "./reference/render.mjs";

const ROOT = path.join(import.meta.dirname, "..");

/** The pages, in the order in which the later link to the earlier. */
const PAGES = [
  {
    file: "javascript.md",
    declarations: "src/fastrtc/static/fastrtc.d.ts",
    title: "@fastrtc/client",
    head:
      "All that the package `@fastrtc/client` exports, and the module `fastrtc.js`, which is the " +
      "same. [JavaScript client](../client.md) is the guide.",
  },
  {
    file: "react.md",
    declarations: "src/fastrtc/npm/react/dist/index.d.ts",
    title: "@fastrtc/react",
    head:
      "All that the package `@fastrtc/react` exports. [React](../react.md) is the guide; " +
      "`@fastrtc/react/styles.css` is the style sheet.",
  },
];

const elsewhere = new Map();
for (const { file, declarations, ...page } of PAGES) {
  const entries = readDeclarations(await readFile(path.join(ROOT, declarations), "utf8"));
  const text = render(page, entries, elsewhere);
  for (const { name } of entries) elsewhere.set(name, `${file}#${name}`);
  const place = path.join(ROOT, "docs/reference", file);
  if (!process.argv.includes("--check")) {
    await writeFile(place, text);
  } else if ((await readFile(place, "utf8").catch(() => null)) !== text) {
    console.error(
      `docs/reference/${file} is not what the declarations give: run \`make frontend\`.`,
    );
    process.exitCode = 1;
  }
}
