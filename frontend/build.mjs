/**
 * Build the front-end files of the Python package, and print their sizes.
 *
 *     node build.mjs           writes them
 *     node build.mjs --check   compares them with the committed files
 *
 * The same sources and lock file produce the same bytes on every machine.
 */

import { readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { declarations } from "./declarations.mjs";

const HERE = import.meta.dirname;
const PACKAGE = path.join(HERE, "../src/fastrtc");
const MOST = 220 * 1024; // bytes of all files together; the reference has 5.5 MB

const VERSION = /__version__ = "(.+)"/.exec(
  readFileSync(path.join(PACKAGE, "_version.py"), "utf8"),
)[1];
const BANNER = `/*! fastrtc ${VERSION} | MIT licence | built from frontend/, see frontend/README.md */`;

/** The source of each file in the package. */
const SCRIPTS = {
  "static/fastrtc.js": "client/index.ts",
  "static/timeline.js": "view/timeline_entry.ts",
  "templates/component/index.js": "adapters/component.ts",
  "templates/component/svelte_runtime_entry.js": "adapters/svelte_runtime_entry.ts",
  "templates/example/index.js": "adapters/example.ts",
  "templates/example/svelte_runtime_entry.js": "adapters/svelte_runtime_entry.ts",
};
const STYLES = {
  "static/timeline.css": "view/timeline.css",
  "templates/component/style.css": "view/style.css",
  "templates/example/style.css": "view/example.css",
};

/** Bundle a file and return its text. */
async function bundle(entry, banner) {
  const result = await build({
    absWorkingDir: HERE, // paths in the output are relative to this folder
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: ["chrome109", "firefox115", "safari16"],
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
    banner,
  });
  return result.outputFiles[0].text;
}

async function buildAll() {
  const files = new Map();
  for (const [file, entry] of Object.entries(SCRIPTS)) {
    files.set(file, await bundle(entry, { js: BANNER }));
  }
  for (const [file, entry] of Object.entries(STYLES)) {
    files.set(file, await bundle(entry, { css: BANNER }));
  }
  files.set(
    "static/fastrtc.d.ts",
    `${BANNER}\n${declarations(path.join(HERE, "client/index.ts"))}`,
  );
  return files;
}

/** Print the files that the browser loads; returns their total size in bytes. */
function printSizes(files) {
  let [raw, packed] = [0, 0];
  const row = (name, ...sizes) =>
    console.log(name.padEnd(48) + sizes.map((size) => String(size).padStart(8)).join(""));
  row("", "bytes", "gzip");
  for (const [file, text] of files) {
    if (file.endsWith(".d.ts")) continue; // for editors, not for browsers
    const bytes = Buffer.from(text);
    const small = gzipSync(bytes, { level: 9 }).length;
    row(file, bytes.length, small);
    raw += bytes.length;
    packed += small;
  }
  row("together", raw, packed);
  return raw;
}

const files = await buildAll();
if (printSizes(files) > MOST) {
  console.error(`More than ${MOST} bytes: that is too much.`);
  process.exitCode = 1;
}
for (const [file, text] of files) {
  const place = path.join(PACKAGE, file);
  if (process.argv.includes("--check")) {
    const there = await readFile(place, "utf8").catch(() => null);
    if (there === text) continue;
    console.error(`src/fastrtc/${file} is not what these sources give: run \`make frontend\`.`);
    process.exitCode = 1;
  } else {
    await mkdir(path.dirname(place), { recursive: true });
    await writeFile(place, text);
  }
}
