import path from "node:path";
import { defineConfig } from "vitest/config";

const client = path.join(import.meta.dirname, "client");
const react = path.join(import.meta.dirname, "react");
const REACT_TESTS = "tests/react/**/*.test.tsx";

/** Run the tests of the React package with the React of a folder, also for sources in docs/. */
function reactProject(version, folder, include) {
  const modules = path.join(import.meta.dirname, folder, "node_modules");
  return {
    extends: true,
    resolve: {
      alias: [{ find: /^(react|react-dom)(?=$|\/)/, replacement: path.join(modules, "$1") }],
    },
    test: { name: `react ${version}`, include: [include] },
  };
}

export default defineConfig({
  // The names of the packages stand for their sources, as in tsconfig.json.
  resolve: {
    alias: [
      { find: /^@fastrtc\/client$/, replacement: path.join(client, "index.ts") },
      { find: /^@fastrtc\/client\/internal$/, replacement: path.join(client, "internal.ts") },
      { find: /^@fastrtc\/react$/, replacement: path.join(react, "index.ts") },
      { find: /^@fastrtc\/react\/styles.css$/, replacement: path.join(react, "styles.css") },
    ],
  },
  test: {
    // A file that needs a document begins with `// @vitest-environment happy-dom`.
    environment: "node",
    restoreMocks: true,
    pool: "threads", // which take less CPU time than processes
    projects: [
      {
        extends: true,
        test: { name: "front end", include: ["tests/**/*.test.{ts,tsx}"], exclude: [REACT_TESTS] },
      },
      reactProject(
        18,
        "tests/react-18",
        "tests/react/{components,refresh,server,use_stream}.test.tsx",
      ),
      reactProject(19, ".", REACT_TESTS),
    ],
  },
});
