// @vitest-environment happy-dom
import { afterEach, expect, it, vi } from "vitest";
import { FakeConnection } from "../../dev/fake";
import { View } from "../../view";

let connection: FakeConnection;
let view: View | null = null;

function show(more: Record<string, unknown> = {}): void {
  vi.spyOn(HTMLMediaElement.prototype, "play").mockResolvedValue();
  const props = { modality: "audio", mode: "send-receive", server: {}, ...more };
  const host = { props: () => props, dispatch: () => undefined, setValue: () => undefined };
  view = new View(
    document.body,
    null,
    host,
    (options) => (connection = new FakeConnection(options)).real,
  );
}

afterEach(() => {
  view?.destroy();
  view = null;
});

const find = (selector: string) => document.querySelector<HTMLElement>(selector);
const talk = () => find(".frtc-talk") as HTMLButtonElement;
const main = () => find(".frtc-main") as HTMLButtonElement;
const isShown = () => find(".frtc-turn")?.hidden === false;
const status = () => find("[role=status]")?.textContent;
const key = (type: string, name = " ", target: EventTarget = document.body) =>
  target.dispatchEvent(new KeyboardEvent(type, { key: name, bubbles: true, cancelable: true }));

function connect(): void {
  main().click();
  connection.become("connecting");
  connection.become("connected");
}

it("appears when the server says that turns are manual, instead of the button that mutes", () => {
  show();
  connect();
  expect([isShown(), find("[aria-label='Mute microphone']")?.hidden]).toEqual([false, false]);
  key("keydown");
  expect(connection.turns).toEqual([]);
  connection.becomeManual();
  expect([isShown(), find("[aria-label='Mute microphone']")?.hidden]).toEqual([true, true]);
  expect([talk().textContent, status()]).toEqual(["Hold to talk", "Your turn"]);
  connection.stop();
  expect(isShown()).toBe(false);
  key("keydown");
  expect(connection.turns).toEqual([]);
});

it("says what it does next", () => {
  show({ assistant_name: "Ada" });
  connect();
  connection.becomeManual();
  key("keydown");
  expect([talk().textContent, status()]).toEqual(["Release to send", "Hearing you"]);
  key("keydown", "Escape");
  expect([talk().textContent, status()]).toEqual(["Hold to talk", "Your turn"]);
  key("keyup");
  talk().click();
  expect([talk().textContent, talk().getAttribute("aria-pressed")]).toEqual([
    "Press to send",
    "true",
  ]);
  talk().click();
  expect(connection.turns).toEqual(["begin", "cancel", "begin", "commit"]);
  connection.converse("thinking");
  expect([talk().textContent, status()]).toEqual(["Hold to interrupt", "Thinking"]);
  connection.converse("speaking");
  expect([talk().textContent, status()]).toEqual(["Hold to interrupt", "Ada is speaking"]);
});

it("lets the space bar type in the text field", () => {
  show({ variant: "textbox" });
  connect();
  connection.becomeManual();
  const field = find("textarea") as HTMLTextAreaElement;
  field.focus();
  expect(key("keydown", " ", field)).toBe(true);
  expect(connection.turns).toEqual([]);
  field.blur();
  key("keydown");
  expect(connection.turns).toEqual(["begin"]);
});

it("takes over the focus of Start, whose space bar would stop", () => {
  show();
  main().focus();
  connect();
  connection.becomeManual();
  expect(document.activeElement).toBe(talk());
});

it("is disabled while the connection is lost", () => {
  show();
  connect();
  connection.becomeManual();
  connection.become("reconnecting");
  expect([isShown(), talk().disabled]).toEqual([true, true]);
  connection.become("connected");
  expect(talk().disabled).toBe(false);
});

it("discards with Escape before it closes a drawer", () => {
  show();
  connect();
  connection.becomeManual();
  const details = find("[aria-label='Connection details']") as HTMLButtonElement;
  details.click();
  key("keydown");
  key("keydown", "Escape", details);
  expect([connection.turns, details.getAttribute("aria-expanded")]).toEqual([
    ["begin", "cancel"],
    "true",
  ]);
  key("keydown", "Escape", details);
  expect(details.getAttribute("aria-expanded")).toBe("false");
});

it("has none where nothing is sent", () => {
  show({ mode: "receive" });
  connect();
  connection.becomeManual();
  expect(find(".frtc-talk")).toBe(null);
});
