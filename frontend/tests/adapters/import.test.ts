import { expect, it } from "vitest";

it("can be imported where there is no page", async () => {
  expect("window" in globalThis).toBe(false);
  const { default: component } = await import("../../adapters/component");
  const { default: example } = await import("../../adapters/example");
  expect(component).toBeTypeOf("function");
  expect(example.mount).toBeTypeOf("function");
});
