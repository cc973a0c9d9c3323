// Copies the client core, fastrtc.js and its types, out of the Python package into lib/fastrtc/:
// so the two always fit. PYTHON is the Python that has fastrtc; by default the first on the PATH.

import { execFileSync } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";

const find = "from importlib.util import find_spec as f; print(*f('fastrtc').submodule_search_locations)";
const python = process.env.PYTHON ?? "python3";
try {
  const folder = execFileSync(python, ["-c", find], { encoding: "utf-8", stdio: "pipe" }).trim();
  for (const file of ["fastrtc.js", "fastrtc.d.ts"]) {
    cpSync(join(folder, "static", file), join(import.meta.dirname, "..", "lib", "fastrtc", file));
  }
} catch (error) {
  console.error(`${python} has no fastrtc (${error.message.split("\n")[0]}).`);
  console.error("Install it (pip install fastrtc), and name the Python that has it: PYTHON=../.venv/bin/python");
  process.exit(1);
}
