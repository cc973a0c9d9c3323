// @vitest-environment happy-dom
import { afterEach, expect, it } from "vitest";
import { Composer } from "../../playground/composer";
import type { InputRoute } from "../../playground/inputs";

/** The field for inputs of a program with these routes, which a test may change. */
function showInputs(routes: InputRoute[]): {
  field: Composer;
  shown: () => (string | undefined)[];
  submit: (typed: string, route?: string) => Promise<string>;
  set: [string, string][];
} {
  const set: [string, string][] = [];
  const field = new Composer({
    send: () => false,
    call: () => Promise.reject(new Error("no connection")),
    connected: () => true,
    inputRoutes: () => Promise.resolve([...routes]),
    inputs: () => ["", ""],
    setInputs: (...one) => Promise.resolve(set.push(one) > 0),
    hasInputs: () => true,
  });
  document.body.append(field.root);
  const { root } = field;
  const route = root.querySelector<HTMLInputElement>("[aria-label='Route of the inputs']");
  const json = root.querySelector("textarea");
  root.querySelector<HTMLInputElement>("[value=inputs]")?.click();
  const submit = async (typed: string, path = "/inputs"): Promise<string> => {
    if (route) route.value = path;
    if (json) json.value = typed;
    root.dispatchEvent(new Event("submit", { cancelable: true }));
    await Promise.resolve();
    await Promise.resolve();
    return root.textContent;
  };
  return { field, shown: () => [route?.value, json?.value], submit, set };
}

/** Wait until routes that were asked for have arrived. */
const arrived = () => new Promise((resolve) => setTimeout(resolve));

afterEach(() => {
  document.body.replaceChildren();
});

it("sets inputs of a path of the program only", async () => {
  const { submit, set } = showInputs([]);
  for (const route of ["//other.example/x", "/\\other.example/x", "inputs", ""]) {
    expect(await submit('{"a": 1}', route)).toContain("A route is a path of the program");
  }
  expect(set).toEqual([]);
  expect(await submit('{"a": 1}')).toContain("Set.");
  expect(set).toEqual([["/inputs", '{"a": 1}']]);
});

it("sets no inputs where nothing or null is typed", async () => {
  const { submit, set } = showInputs([]);
  for (const typed of ["", " null "]) expect(await submit(typed)).toContain("No inputs are set.");
  expect(set).toEqual([
    ["/inputs", ""],
    ["/inputs", ""],
  ]);
});

it("proposes the routes of a program that was started again", async () => {
  const routes: InputRoute[] = [{ path: "/old", example: { a: 0 } }];
  const { field, shown } = showInputs(routes);
  await arrived();
  expect(shown()).toEqual(["/old", '{"a":0}']);
  routes.splice(0, 1, { path: "/new", example: { b: "" } });
  field.forgetRoutes();
  await arrived();
  expect(shown()).toEqual(["/new", '{"b":""}']);
});

it("keeps the route and the inputs that were entered", async () => {
  const { field, shown, submit } = showInputs([{ path: "/inputs", example: { a: 0 } }]);
  await arrived();
  await submit('{"a": 2}', "/hidden");
  field.forgetRoutes();
  await arrived();
  expect(shown()).toEqual(["/hidden", '{"a": 2}']);
});
