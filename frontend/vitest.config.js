import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // A file that needs a document begins with `// @vitest-environment happy-dom`.
    environment: "node",
    include: ["tests/**/*.test.ts"],
    restoreMocks: true,
  },
});
