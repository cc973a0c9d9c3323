import path from "node:path";
import { defineConfig } from "vitest/config";

const client = path.join(import.meta.dirname, "client");

export default defineConfig({
  // The client's package name stands for its sources, as in tsconfig.json.
  resolve: {
    alias: [
      { find: /^@fastrtc\/client$/, replacement: path.join(client, "index.ts") },
      { find: /^@fastrtc\/client\/internal$/, replacement: path.join(client, "internal.ts") },
    ],
  },
  test: {
    // A file that needs a document begins with `// @vitest-environment happy-dom`.
    environment: "node",
    include: ["tests/**/*.test.{ts,tsx}"],
    restoreMocks: true,
  },
});
