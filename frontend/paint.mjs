/**
 * Print the time from the request of the component's page to its first paint, in headless
 * Chromium on this machine: the median of several new pages.
 *
 *     node paint.mjs           CHROMIUM is the path of the browser; by default the one on the PATH
 */

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { clearTimeout, setTimeout } from "node:timers";

const COMPONENT = path.join(import.meta.dirname, "../src/fastrtc/templates/component");
const PAGES = 5;
const WITHIN_MS = 30_000;
const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"];

/** The component as in Gradio 6.9 and newer, and nothing else that could be painted. */
const PAGE = `<!doctype html><link rel="stylesheet" href="style.css"><div id="here"></div>
<script type="module">
  import component from "./index.js";
  new PerformanceObserver((list) => {
    for (const { name, startTime } of list.getEntries())
      if (name === "first-contentful-paint") fetch("painted", { method: "POST", body: startTime });
  }).observe({ type: "paint", buffered: true });
  component.mount(document.getElementById("here"), {
    shared_props: { id: 1, server: {}, visible: true },
    props: { value: null, modality: "audio", mode: "send-receive", variant: "wave" },
  });
</script>`;

function findBrowser() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  const places = NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  return places.find((place) => existsSync(place));
}

/** Serve the component's files and a page; calls back with each first paint, in ms. */
function serve(painted) {
  const types = { ".js": "text/javascript", ".css": "text/css" };
  return createServer(async (request, response) => {
    const name = path.basename(request.url);
    if (request.method === "POST") {
      let body = "";
      for await (const part of request) body += part;
      response.end();
      painted(Number(body));
    } else if (name in { "index.js": 1, "style.css": 1 }) {
      response.setHeader("Content-Type", types[path.extname(name)]);
      response.end(await readFile(path.join(COMPONENT, name)));
    } else {
      response.setHeader("Content-Type", "text/html");
      response.end(PAGE);
    }
  });
}

/** Open a page in a new browser; returns its first paint. */
async function measure(browser) {
  const profile = await mkdtemp(path.join(tmpdir(), "fastrtc-paint-"));
  let server, chromium;
  try {
    return await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error("nothing was painted")), WITHIN_MS);
      server = serve((milliseconds) => {
        clearTimeout(late);
        resolve(milliseconds);
      });
      server.listen(0, "127.0.0.1", () => {
        const address = `http://127.0.0.1:${server.address().port}/`;
        chromium = spawn(browser, [...FLAGS, `--user-data-dir=${profile}`, address], {
          stdio: "ignore",
        });
        chromium.on("error", reject);
      });
    });
  } finally {
    if (chromium?.pid && chromium.exitCode === null) {
      const ended = new Promise((resolve) => chromium.once("exit", resolve));
      chromium.kill();
      await ended;
    }
    server?.closeAllConnections();
    server?.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

const browser = findBrowser();
if (!browser) {
  console.log("time to first paint: no Chromium was found (CHROMIUM says where it is)");
} else {
  const found = [];
  for (let page = 0; page < PAGES; page++) found.push(await measure(browser));
  found.sort((a, b) => a - b);
  const [least, middle, most] = [found[0], found[PAGES >> 1], found.at(-1)].map(Math.round);
  console.log(`time to first paint: ${middle} ms (${least} to ${most}), ${PAGES} fresh browsers`);
}
