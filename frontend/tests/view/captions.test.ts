// @vitest-environment happy-dom
import { beforeEach, expect, it, vi } from "vitest";
import type { Transcript } from "@fastrtc/client";
import { Captions, keepCaptionsWanted, wantsCaptions } from "../../view/captions";

let captions: Captions;

beforeEach(() => {
  localStorage.clear();
  captions = new Captions((who) => (who === "user" ? "You" : "Ada"));
});

function put(key: number, text: string, more: Partial<Transcript> = {}): void {
  captions.put({ key, text, who: "assistant", final: true, id: null, interrupted: false, ...more });
}

const lines = () => [...captions.root.children].map(({ textContent }) => textContent);
/** What screen readers have been given to read, in order. */
function readings(): string[] {
  const read: string[] = [];
  const take = (node: Node): void => {
    const element = node instanceof Element ? node : node.parentElement;
    if (!element || element.closest("[aria-hidden=true]")) return;
    const text = node.textContent?.trim();
    if (text) read.push(text);
  };
  const observer = new MutationObserver((records) => {
    const added = records.flatMap(({ addedNodes }) => [...addedNodes]);
    // What is within another new element is read with it.
    const within = (node: Node): boolean =>
      added.some((other) => other !== node && other.contains(node));
    added.filter((node) => !within(node)).forEach(take);
  });
  observer.observe(captions.root, { childList: true, subtree: true });
  return read;
}

it("puts what one side says into one line, and the other's into the next", () => {
  put(0, "What is it?", { who: "user" });
  put(1, "It is");
  put(2, "a test.");
  put(3, "Thanks", { who: "user" });
  expect(lines()).toEqual(["You What is it?", "Ada It is a test.", "You Thanks"]);
  expect(captions.root.children[1]?.className).toBe("frtc-said frtc-assistant");
  expect(captions.root.children[1]?.getAttribute("dir")).toBe("auto");
});

it("replaces a text by its new version, where it stands", () => {
  put(0, "What", { who: "user", final: false });
  put(1, "Yes?");
  put(0, "What is", { who: "user", final: false });
  put(2, "Tell me.");
  put(0, "What is it?", { who: "user" });
  put(1, "No.");
  expect(lines()).toEqual(["You What is it?", "Ada No. Tell me."]);
});

it("removes what is withdrawn", () => {
  put(0, "Wha", { who: "user", final: false });
  put(1, "One");
  put(2, "two");
  put(1, "");
  expect(lines()).toEqual(["You Wha", "Ada two"]);
  put(0, "", { who: "user" });
  put(2, "");
  expect([lines(), captions.any, captions.root.hidden]).toEqual([[], false, true]);
  put(7, "");
  expect(captions.any).toBe(false);
});

it("lets screen readers read a text once, when it is final", async () => {
  const read = readings();
  put(0, "What", { who: "user", final: false });
  await Promise.resolve();
  put(0, "What is", { who: "user", final: false });
  put(0, "What is it", { who: "user", final: false });
  await Promise.resolve();
  expect(read).toEqual([]);
  put(0, "What is it?", { who: "user" });
  await Promise.resolve();
  expect(read.at(-1)).toBe("You What is it?");
  put(1, "It is a test.", { who: "user" });
  await Promise.resolve();
  expect(read.at(-1)).toBe("It is a test.");
  expect(read.filter((text) => text.includes("What is"))).toHaveLength(1);
  const { root } = captions;
  expect([root.getAttribute("role"), root.getAttribute("aria-live")]).toEqual(["log", "polite"]);
  expect(root.getAttribute("aria-relevant")).toBe("additions");
});

it("shows where a text was interrupted", () => {
  put(0, "It will rain");
  put(0, "It will rain", { interrupted: true });
  expect(lines()).toEqual(["Ada It will rain – (interrupted)"]);
  expect(captions.root.querySelector(".frtc-unseen")?.textContent).toBe("(interrupted)");
});

it("keeps the newest", () => {
  for (let key = 0; key < 60; key++)
    put(key, `Text ${key}.`, { who: key % 2 ? "user" : "assistant" });
  expect(lines().length).toBe(50);
  expect(lines()[0]).toBe("Ada Text 10.");
  for (let key = 60; key < 180; key++) put(key, "On and on.");
  expect(lines().length).toBe(1);
  expect(captions.root.querySelectorAll("span").length).toBe(50);
});

it("follows new text, unless the user has scrolled back", () => {
  put(0, "One");
  const size = (name: string, value: number): void => {
    Object.defineProperty(captions.root, name, { value, configurable: true });
  };
  size("clientHeight", 50);
  size("scrollHeight", 200);
  captions.root.scrollTop = 150;
  put(1, "two");
  expect([captions.root.scrollTop, captions.root.getAttribute("tabindex")]).toEqual([200, "0"]);
  captions.root.scrollTop = 150; // the end, of which browsers go no further
  size("clientHeight", 20); // another part of the page has opened
  put(2, "three");
  expect(captions.root.scrollTop).toBe(200);
  captions.root.scrollTop = 180;
  put(3, "four");
  expect(captions.root.scrollTop).toBe(200);
  captions.root.scrollTop = 20;
  put(4, "five");
  expect(captions.root.scrollTop).toBe(20);
  captions.root.scrollTop = 180;
  captions.root.dispatchEvent(new Event("scroll"));
  size("scrollHeight", 300);
  put(5, "six");
  expect(captions.root.scrollTop).toBe(300);
});

it("remembers that they are hidden, unless storage is blocked", () => {
  expect(wantsCaptions()).toBe(true);
  keepCaptionsWanted(false);
  expect(wantsCaptions()).toBe(false);
  keepCaptionsWanted(true);
  expect(wantsCaptions()).toBe(true);
  const blocked = vi.fn(() => {
    throw new Error("blocked");
  });
  vi.stubGlobal("localStorage", { getItem: blocked, setItem: blocked, removeItem: blocked });
  keepCaptionsWanted(false);
  expect(wantsCaptions()).toBe(true);
  expect(blocked).toHaveBeenCalledTimes(2);
  vi.unstubAllGlobals();
});
