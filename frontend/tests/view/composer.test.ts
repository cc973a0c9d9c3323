// @vitest-environment happy-dom
import { beforeEach, expect, it, vi } from "vitest";
import { Composer } from "../../view/composer";

let sent: string[];
let succeed: (sent: boolean) => void;
let field: HTMLTextAreaElement;
let button: HTMLButtonElement;

beforeEach(() => {
  sent = [];
  const { root } = new Composer((text) => {
    sent.push(text);
    return new Promise((resolve) => (succeed = resolve));
  });
  document.body.replaceChildren(root);
  field = root.querySelector("textarea") as HTMLTextAreaElement;
  button = root.querySelector("button") as HTMLButtonElement;
});

function type(text: string): void {
  field.value = text;
  field.dispatchEvent(new Event("input"));
}

function enter(more: KeyboardEventInit = {}): KeyboardEvent {
  const event = new KeyboardEvent("keydown", { key: "Enter", cancelable: true, ...more });
  field.dispatchEvent(event);
  return event;
}

it("sends on Enter and empties the field once it is sent", async () => {
  type("  hello ");
  expect(enter().defaultPrevented).toBe(true);
  expect(sent).toEqual(["hello"]);
  expect(button.disabled).toBe(true);
  succeed(true);
  await vi.waitFor(() => {
    expect(field.value).toBe("");
  });
});

it("begins a new line on Shift+Enter, and leaves Enter to an input method", () => {
  type("こんにちは");
  expect(enter({ shiftKey: true }).defaultPrevented).toBe(false);
  expect(enter({ isComposing: true }).defaultPrevented).toBe(false);
  expect(sent).toEqual([]);
});

it("keeps the text when it could not be sent", async () => {
  type("hello");
  button.click();
  succeed(false);
  await vi.waitFor(() => {
    expect(button.disabled).toBe(false);
  });
  expect(field.value).toBe("hello");
});

it("sends nothing that is empty, and nothing twice", () => {
  type(" \n ");
  enter();
  expect(button.disabled).toBe(true);
  type("hello");
  enter();
  enter();
  expect(sent).toEqual(["hello"]);
});
