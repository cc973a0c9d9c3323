import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import typescript from "typescript-eslint";

export default defineConfig(
  { ignores: ["tests/types/", "node_modules/", "*/dist/"] },
  js.configs.recommended,
  {
    files: ["{client,react,view,adapters,dev,playground,tests}/**/*.{ts,tsx}"],
    extends: [typescript.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "no-console": "error",
    },
  },
  {
    files: ["**/*.{js,mjs}"],
    languageOptions: { globals: { Buffer: "readonly", console: "readonly", process: "readonly" } },
  },
  {
    // The client core runs without a page until `start()`: it knows no framework and no view.
    files: ["client/**/*.ts"],
    rules: {
      "no-restricted-imports": ["error", { patterns: ["../*", "@fastrtc/*", "react"] }],
    },
  },
  {
    // Others use the client as a package.
    files: ["{react,view,adapters,playground}/**/*.{ts,tsx}"],
    rules: {
      "no-restricted-imports": ["error", { patterns: ["../client/*"] }],
    },
  },
  {
    // React's package has the public API only.
    files: ["react/**/*.{ts,tsx}"],
    rules: {
      "no-restricted-imports": ["error", { patterns: ["../*", "@fastrtc/client/*"] }],
    },
  },
);
