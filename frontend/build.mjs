/**
 * Build the front-end files of the Python package and the npm packages, and print their sizes.
 *
 *     node build.mjs           writes them
 *     node build.mjs --check   writes only what is not committed, and compares the rest
 *
 * The same sources and lock file produce the same bytes on every machine.
 */

import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { declarations } from "./declarations.mjs";

const HERE = import.meta.dirname;
const PYTHON = "../src/fastrtc"; // as all names of files, relative to this folder

const read = (name) => readFileSync(path.join(HERE, name), "utf8");
const exists = (name) => existsSync(path.join(HERE, name));

const VERSION = /__version__ = "(.+)"/.exec(read(`${PYTHON}/_version.py`))[1];
const BANNER = `/*! fastrtc ${VERSION} | MIT licence | built from frontend/, see frontend/README.md */`;

/** What pages load from the Python package: the source of each file. */
const COMPONENT = {
  "static/timeline.js": "view/timeline_entry.ts",
  "static/timeline.css": "view/timeline.css",
  "templates/component/index.js": "adapters/component.ts",
  "templates/component/svelte_runtime_entry.js": "adapters/svelte_runtime_entry.ts",
  "templates/component/style.css": "view/style.css",
  "templates/example/index.js": "adapters/example.ts",
  "templates/example/svelte_runtime_entry.js": "adapters/svelte_runtime_entry.ts",
  "templates/example/style.css": "view/example.css",
};
const PLAYGROUND = {
  "static/playground/playground.js": "playground/index.ts",
  "static/playground/playground.css": "playground/style.css",
  "static/playground/index.html": "playground/index.html",
};

/** Members of the client's own classes and objects, which the minifier renames. None is public. */
const INTERNAL = (
  "attempts begins chosen continuity counts created exchange grant hearing iceTimeout " +
  "isOpen isSilent isStale keep keptFor lacks link lost media milliseconds playoutDelay post " +
  "renew renews resend reset restart resumable setManual silenced stats step wake"
).split(" ");

/** The npm packages: where the Python package has a script and its declarations. */
const PACKAGES = {
  client: {
    entry: "client/index.ts",
    script: "static/fastrtc.js",
    types: "static/fastrtc.d.ts",
    internal: INTERNAL,
  },
  react: {
    entry: "react/index.ts",
    script: "npm/react/dist/index.js",
    types: "npm/react/dist/index.d.ts",
    styles: "npm/react/dist/styles.css",
    banner: `"use client";\n${BANNER}`,
    external: ["@fastrtc/client", "react"],
  },
};

/** Maximum sizes in bytes: of all files of a part together, or of a package's script with gzip. */
const MOST = { component: 220 * 1024, playground: 160 * 1024 };
const MOST_GZIP = { client: 20_000, react: 6_000 };

/** Bundle a script or a style sheet; returns its text and its source map. */
async function bundle(entry, { banner = BANNER, external, internal, outfile = entry } = {}) {
  const { outputFiles } = await build({
    absWorkingDir: HERE, // paths in the output are relative to this folder
    entryPoints: [entry],
    outfile, // to which the paths in the source map are relative
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: ["chrome109", "firefox115", "safari16"],
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
    sourcemap: "external",
    banner: { [entry.endsWith(".css") ? "css" : "js"]: banner },
    external,
    mangleProps: internal && new RegExp(`^(${internal.join("|")})$`),
  });
  const [map, { text }] = outputFiles;
  return { text, map: map.text };
}

/** Build files of the Python package. */
async function buildPart(sources) {
  const files = new Map();
  for (const [name, source] of Object.entries(sources)) {
    const text = source.endsWith(".html") ? read(source) : (await bundle(source)).text;
    files.set(`${PYTHON}/${name}`, text);
  }
  return files;
}

/** Build an npm package; returns the files that are committed, and those for `npm pack`. */
async function buildPackage(name, { entry, script, types, styles, ...options }) {
  const manifest = JSON.parse(read(`${name}/package.json`));
  manifest.version = VERSION;
  if (manifest.peerDependencies) manifest.peerDependencies["@fastrtc/client"] = VERSION;
  const manifestText = `${JSON.stringify(manifest, null, 2)}\n`;
  const committed = new Map([
    [`${name}/package.json`, manifestText],
    [`${PYTHON}/npm/${name}/package.json`, manifestText],
    [`${PYTHON}/npm/${name}/README.md`, read(`${name}/README.md`)],
  ]);
  if (!exists(entry)) return { committed, packed: new Map() };

  const outfile = `${name}/dist/index.js`;
  const { text, map } = await bundle(entry, { ...options, outfile });
  const packed = new Map([
    [outfile, `${text}//# sourceMappingURL=index.js.map\n`],
    [`${outfile}.map`, map],
    [`${name}/LICENSE`, read("../LICENSE")],
  ]);
  committed.set(`${PYTHON}/${script}`, text);
  const add = (text, committedName, packedName) => {
    committed.set(`${PYTHON}/${committedName}`, text);
    packed.set(`${name}/dist/${packedName}`, text);
  };
  const paths = { "@fastrtc/client": [path.join(HERE, PACKAGES.client.entry)] };
  const declared = declarations(path.join(HERE, entry), paths);
  checkInternal(declared, options.internal ?? []);
  add(`${BANNER}\n${declared}`, types, "index.d.ts");
  if (styles) add((await bundle(`${name}/styles.css`)).text, styles, "styles.css");
  return { committed, packed };
}

/** Check that no name is in the declarations, outside of comments. */
function checkInternal(declared, names) {
  const code = declared.replace(/\/\*[^]*?\*\//g, "");
  const used = new Set(code.match(/\w+/g));
  const found = names.filter((name) => used.has(name));
  if (found.length) fail(`INTERNAL in build.mjs has public names: ${found.join(", ")}.`);
}

const gzip = (text) => gzipSync(Buffer.from(text), { level: 9 }).length;

/** Print a row of the table of sizes. */
function row(name, ...sizes) {
  console.log(name.padEnd(48) + sizes.map((size) => String(size).padStart(8)).join(""));
}

/** Print the sizes of files, and check that of all together. */
function checkPart(files, most) {
  let [raw, packed] = [0, 0];
  for (const [name, text] of files) {
    const [bytes, small] = [Buffer.byteLength(text), gzip(text)];
    row(path.relative(PYTHON, name), bytes, small);
    raw += bytes;
    packed += small;
  }
  row("together", raw, packed);
  check(raw, most, "bytes together");
}

function check(size, most, what) {
  if (size > most) fail(`${size} ${what}: that is more than ${most}.`);
}

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}

async function write(name, text) {
  const place = path.join(HERE, name);
  await mkdir(path.dirname(place), { recursive: true });
  await writeFile(place, text);
}

const VERSION_MODULE = "client/version.ts";
const committed = new Map([
  [
    VERSION_MODULE,
    `/** The version of the client: that of the Python package. Written by build.mjs. */\nexport const VERSION = "${VERSION}";\n`,
  ],
  [`${PYTHON}/npm/LICENSE`, read("../LICENSE")],
]);
if (!process.argv.includes("--check")) await write(VERSION_MODULE, committed.get(VERSION_MODULE));

row("", "bytes", "gzip");
const component = await buildPart(COMPONENT);
for (const [name, options] of Object.entries(PACKAGES)) {
  const built = await buildPackage(name, options);
  for (const [file, text] of built.committed) committed.set(file, text);
  for (const [file, text] of built.packed) await write(file, text);
  const script = built.committed.get(`${PYTHON}/${options.script}`);
  if (script === undefined) continue;
  row(`@fastrtc/${name}`, Buffer.byteLength(script), gzip(script));
  check(gzip(script), MOST_GZIP[name], `bytes (gzip) of @fastrtc/${name}`);
  if (name === "client") component.set(`${PYTHON}/${options.script}`, script);
}
const parts = { component };
if (exists("playground")) parts.playground = await buildPart(PLAYGROUND);
for (const [name, files] of Object.entries(parts)) {
  checkPart(files, MOST[name]);
  for (const [file, text] of files) committed.set(file, text);
}

for (const [name, text] of committed) {
  if (!process.argv.includes("--check")) await write(name, text);
  else if (!exists(name) || read(name) !== text) {
    fail(`${path.join("frontend", name)} is not what these sources give: run \`make frontend\`.`);
  }
}
