// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { pushToTalk } from "@fastrtc/client";
import { FakeConnection } from "../../dev/fake";

let connection: FakeConnection;
let button: HTMLButtonElement;
let unbind: () => void;
let changes: unknown[];
let now: number;

beforeEach(() => {
  connection = new FakeConnection({});
  connection.become("connected");
  button = document.createElement("button");
  button.setPointerCapture = () => undefined;
  document.body.append(button);
  changes = [];
  now = 1000;
  unbind = pushToTalk(connection.real, button, { changed: (how) => changes.push(how) });
});
afterEach(() => {
  unbind();
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

/** Dispatch an event at the current time; returns whether its default action remains. */
function fire(target: EventTarget, event: Event): boolean {
  Object.defineProperty(event, "timeStamp", { value: now });
  return target.dispatchEvent(event);
}

const pointer = (type: string, more = {}) =>
  fire(button, new PointerEvent(type, { button: 0, isPrimary: true, bubbles: true, ...more }));
const click = () => fire(button, new MouseEvent("click", { bubbles: true }));
const key = (type: string, more: KeyboardEventInit = {}, target: Element = document.body) =>
  fire(target, new KeyboardEvent(type, { key: " ", bubbles: true, cancelable: true, ...more }));
const pressed = () => button.getAttribute("aria-pressed");

it("talks while the button is held", () => {
  expect(pressed()).toBe("false");
  pointer("pointerdown");
  expect([connection.turns, pressed()]).toEqual([["begin"], "true"]);
  now += 900;
  pointer("pointerup");
  click(); // as browsers do
  expect([connection.turns, pressed()]).toEqual([["begin", "commit"], "false"]);
  expect(changes).toEqual(["held", null]);
});

it("begins with a tap and ends with the next", () => {
  for (const how of ["tapped", null]) {
    pointer("pointerdown");
    now += 120;
    pointer("pointerup");
    click();
    expect(changes.at(-1)).toBe(how);
    now += 3000;
  }
  expect(connection.turns).toEqual(["begin", "commit"]);
});

it("takes the click of a screen reader, which has no pointer, for a tap", () => {
  click();
  expect([connection.turns, pressed()]).toEqual([["begin"], "true"]);
  now += 5000;
  click();
  expect([connection.turns, pressed()]).toEqual([["begin", "commit"], "false"]);
});

it("ignores other buttons of the mouse, and a second finger", () => {
  pointer("pointerdown", { button: 2 });
  pointer("pointerdown", { isPrimary: false });
  expect(connection.turns).toEqual([]);
  expect(fire(button, new MouseEvent("contextmenu", { cancelable: true }))).toBe(false);
});

it("talks while the space bar is held, wherever the focus is", () => {
  expect(key("keydown")).toBe(false); // the page does not scroll
  for (let times = 0; times < 5; times++) expect(key("keydown", { repeat: true })).toBe(false);
  now += 700;
  key("keyup");
  expect(connection.turns).toEqual(["begin", "commit"]);
});

it("talks with the space bar on the button itself, once", () => {
  key("keydown", {}, button);
  now += 700;
  expect(key("keyup", {}, button)).toBe(false); // it would be a click
  expect(connection.turns).toEqual(["begin", "commit"]);
});

it.each(["textarea", "input", "select", "button", "summary", "audio"])(
  "leaves the space bar to a %s",
  (tag) => {
    const other = document.createElement(tag);
    document.body.append(other);
    expect(key("keydown", {}, other)).toBe(true);
    key("keyup", {}, other);
    expect(connection.turns).toEqual([]);
  },
);

it.each(["ctrlKey", "altKey", "metaKey"])("leaves the space bar with %s to the browser", (more) => {
  expect(key("keydown", { [more]: true })).toBe(true);
  expect(connection.turns).toEqual([]);
});

it("leaves the space bar to others who have used it", () => {
  const use = (event: Event) => {
    event.preventDefault();
  };
  window.addEventListener("keydown", use, { capture: true, once: true });
  key("keydown");
  expect(connection.turns).toEqual([]);
});

it("discards with Escape, and only then keeps it from others", () => {
  const others = vi.fn();
  document.body.addEventListener("keydown", others);
  expect(key("keydown", { key: "Escape" })).toBe(true);
  expect(others).toHaveBeenCalledOnce();
  key("keydown");
  now += 700;
  expect(key("keydown", { key: "Escape" })).toBe(false);
  expect(others).toHaveBeenCalledTimes(2);
  key("keyup");
  expect(connection.turns).toEqual(["begin", "cancel"]);
  document.body.removeEventListener("keydown", others);
});

it("ends what is held when the window loses the keyboard, and not what was tapped", () => {
  key("keydown");
  now += 700;
  fire(window, new Event("blur"));
  key("keyup");
  expect(connection.turns).toEqual(["begin", "commit"]);
  click();
  fire(window, new Event("blur"));
  expect(connection.turns).toEqual(["begin", "commit", "begin"]);
});

it("commits what was said until the browser takes the finger away", () => {
  pointer("pointerdown");
  now += 700;
  pointer("pointercancel");
  pointer("pointerup");
  expect(connection.turns).toEqual(["begin", "commit"]);
});

it("does nothing while it is disabled or there is no connection", () => {
  button.disabled = true;
  pointer("pointerdown");
  key("keydown");
  key("keyup");
  button.disabled = false;
  connection.become("reconnecting");
  pointer("pointerdown");
  now += 700;
  pointer("pointerup");
  expect([connection.turns, pressed()]).toEqual([[], "false"]);
});

it("follows a turn that ends elsewhere", () => {
  pointer("pointerdown");
  connection.commit();
  expect(pressed()).toBe("false");
  now += 700;
  pointer("pointerup");
  expect(connection.turns).toEqual(["begin", "commit"]);
});

it("takes another key, or none", () => {
  unbind();
  unbind = pushToTalk(connection.real, button, { key: "t" });
  key("keydown");
  key("keyup");
  key("keydown", { key: "t" });
  now += 700;
  key("keyup", { key: "t" });
  expect(connection.turns).toEqual(["begin", "commit"]);
  unbind();
  unbind = pushToTalk(connection.real, button, { key: null });
  key("keydown");
  expect(connection.turns).toHaveLength(2);
});

it("discards the turn and hears nothing more once it is removed", () => {
  pointer("pointerdown");
  unbind();
  expect([connection.turns, pressed()]).toEqual([["begin", "cancel"], "false"]);
  pointer("pointerdown");
  key("keydown");
  expect(connection.turns).toHaveLength(2);
});
