/** Serves the gallery on 127.0.0.1: `node dev/serve.mjs [port]`, then open the address it prints. */

import { context } from "esbuild";

const HERE = import.meta.dirname;
const gallery = await context({
  absWorkingDir: HERE,
  entryPoints: { gallery: "gallery.ts", style: "../view/style.css" },
  bundle: true,
  format: "esm",
  target: "es2022",
  outdir: "out",
  write: false,
});
const { port } = await gallery.serve({
  host: "127.0.0.1",
  port: Number(process.argv[2] ?? 8123),
  servedir: HERE,
});
console.log(`http://127.0.0.1:${port}/`);
