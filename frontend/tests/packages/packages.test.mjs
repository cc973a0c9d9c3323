/** The npm packages as their users get them: packed, installed, imported and compiled. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { build } from "esbuild";

const HERE = path.join(import.meta.dirname, "../..");
const NAMES = ["client", "react"].filter((name) => existsSync(path.join(HERE, name, "index.ts")));
const run = promisify(execFile);
const bin = (name) => path.join(HERE, "node_modules/.bin", name);
const TYPESCRIPT = path.join(HERE, "node_modules/typescript/bin/tsc");

/** Run a program; its output is the message of the error if it fails. */
async function pass(program, ...args) {
  await run(program, args, { cwd: HERE }).catch(({ stdout, stderr }) => {
    throw new Error(stdout + stderr);
  });
}

let app; // the folder of an app that has installed the packages

before(async () => {
  app = await mkdtemp(path.join(tmpdir(), "fastrtc-packages-"));
  const modules = path.join(app, "node_modules");
  await mkdir(path.join(modules, "@fastrtc"), { recursive: true });
  for (const name of NAMES) {
    const { stdout } = await run(
      "npm",
      ["pack", "--json", "--ignore-scripts", "--pack-destination", app, `./${name}`],
      { cwd: HERE },
    );
    const [{ filename }] = JSON.parse(stdout);
    await run("tar", ["-xzf", path.join(app, filename), "-C", app]);
    await cp(path.join(app, "package"), path.join(modules, "@fastrtc", name), { recursive: true });
    await rm(path.join(app, "package"), { recursive: true });
  }
  for (const name of ["react", "react-dom", "scheduler", "@types", "csstype"]) {
    await symlink(path.join(HERE, "node_modules", name), path.join(modules, name));
  }
  await writeFile(path.join(app, "package.json"), '{"type": "module", "private": true}');
});

after(() => rm(app, { recursive: true, force: true }));

for (const name of NAMES) {
  test(`${name}: the tarball has what it says, and nothing else`, async () => {
    const folder = path.join(app, "node_modules/@fastrtc", name);
    const files = await readdir(folder, { recursive: true, withFileTypes: true });
    const styles = name === "react" ? ["styles.css"] : [];
    assert.deepEqual(
      files
        .filter((file) => file.isFile())
        .map((file) => file.name)
        .sort(),
      [
        ...["LICENSE", "README.md", "index.d.ts", "index.js", "index.js.map", "package.json"],
        ...styles,
      ],
    );
    const { dependencies, version } = JSON.parse(
      await readFile(path.join(folder, "package.json"), "utf8"),
    );
    assert.equal(dependencies, undefined);
    const python = await readFile(path.join(HERE, "../src/fastrtc/_version.py"), "utf8");
    assert.ok(python.includes(`"${version}"`));
    const map = JSON.parse(await readFile(path.join(folder, "dist/index.js.map"), "utf8"));
    assert.ok(map.sourcesContent.every((text) => text.length > 0));
  });

  test(`${name}: publint`, () => pass(bin("publint"), "--strict", name));

  test(`${name}: are the types wrong?`, () =>
    pass(
      bin("attw"),
      "--pack",
      name,
      "--profile",
      "esm-only",
      "--exclude-entrypoints",
      "styles.css",
    ));
}

/** Run a module in plain Node: without types, bundler or document. */
async function node(text) {
  const file = path.join(app, "main.js");
  await writeFile(file, text);
  return (await run(process.execPath, [file], { cwd: app })).stdout;
}

test("client: nothing happens when it is imported where there is no browser", async () => {
  const printed = await node(`
    const before = Reflect.ownKeys(globalThis);
    const { Connection, listDevices, watchDevices } = await import("@fastrtc/client");
    const after = Reflect.ownKeys(globalThis);
    const connection = new Connection({ url: "http://127.0.0.1:1" });
    watchDevices(() => {})();
    const connected = await connection.start();
    const { code } = connection.error;
    const same = after.length === before.length && "document" in globalThis === false;
    console.log(JSON.stringify({ same, connected, code, devices: await listDevices() }));
  `);
  assert.deepEqual(JSON.parse(printed), {
    same: true,
    connected: false,
    code: "no_webrtc",
    devices: { microphones: [], cameras: [], speakers: [] },
  });
});

/** Return the size of an app that imports a name, in bytes. */
async function sizeWith(name) {
  const result = await build({
    stdin: {
      contents: `import { ${name} } from "@fastrtc/client"; globalThis.used = ${name};`,
      resolveDir: app,
    },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    legalComments: "none",
  });
  return result.outputFiles[0].contents.length;
}

test("client: bundlers leave out what is not used", async () => {
  const [error, devices, all] = await Promise.all(
    ["FastRTCError", "listDevices", "Connection"].map(sizeWith),
  );
  assert.ok(error < 500, `FastRTCError: ${error} bytes`);
  assert.ok(devices < 1500, `listDevices: ${devices} bytes`);
  assert.ok(all > 40_000, `Connection: ${all} bytes`);
});

test("the types of right and wrong uses", async () => {
  const types = path.join(app, "types");
  await cp(path.join(HERE, "tests/types"), types, { recursive: true });
  const files = (await readdir(types)).filter((file) =>
    NAMES.some((name) => file.startsWith(name)),
  );
  const compilerOptions = {
    ...{ module: "NodeNext", target: "ES2022", lib: ["ES2022", "DOM", "DOM.Iterable"], types: [] },
    ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
    ...{ jsx: "react-jsx", noEmit: true, verbatimModuleSyntax: true },
  };
  const project = path.join(types, "tsconfig.json");
  await writeFile(project, JSON.stringify({ compilerOptions, files }));
  await pass(process.execPath, TYPESCRIPT, "--project", project);
});
