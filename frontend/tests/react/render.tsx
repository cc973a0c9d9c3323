/** Renders components with the React of the test project, and fakes of the browser. */

import { act, StrictMode, type ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, vi, type Mock, type MockInstance } from "vitest";
import type { Signalling } from "@fastrtc/client";
import { useStream, type StreamHandle, type UseStreamOptions } from "@fastrtc/react";
import { FakePeer, getUserMedia, installDoubles } from "../client/browser_double";

const ANSWER = { sdp: "v=0", type: "answer" as const };

/** Signalling with a server that accepts everything, and counts offers. */
export const offer = vi.fn<Signalling["offer"]>();
export const signalling: Signalling = { offer };

/** The devices that the browser lists. */
export const listed: { kind: MediaDeviceKind; deviceId: string; label: string }[] = [];
export let mediaDevices: EventTarget & { enumerateDevices: Mock };

let roots: Root[] = [];
/** The warnings of React. */
let errors: MockInstance<typeof console.error>;
/** What elements play: happy-dom lets them play only streams of its own. */
const played = new WeakMap<object, MediaProvider | null>();

/** Prepare the fakes before each test, and unmount everything after it. */
export function prepare(): void {
  beforeEach(() => {
    vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
    installDoubles();
    listed.length = 0;
    mediaDevices = Object.assign(new EventTarget(), {
      getUserMedia,
      enumerateDevices: vi.fn(() => Promise.resolve([...listed])),
    });
    Object.defineProperty(navigator, "mediaDevices", {
      value: mediaDevices,
      configurable: true,
    });
    offer.mockReset();
    offer.mockImplementation(({ type }) =>
      Promise.resolve(type === "ice-candidate" ? { status: "success" } : ANSWER),
    );
    errors = vi.spyOn(console, "error").mockImplementation(() => undefined);
    vi.spyOn(HTMLMediaElement.prototype, "srcObject", "set").mockImplementation(function (
      this: object,
      stream,
    ) {
      played.set(this, stream);
    });
    vi.spyOn(HTMLMediaElement.prototype, "srcObject", "get").mockImplementation(function (
      this: object,
    ) {
      return played.get(this) ?? null;
    });
  });
  afterEach(async () => {
    for (const root of roots) {
      await act(async () => {
        root.unmount();
        await Promise.resolve();
      });
    }
    roots = [];
    expect(errors.mock.calls).toEqual([]);
    document.body.replaceChildren();
    vi.unstubAllGlobals();
  });
}

/** A rendered tree. */
export interface Rendered {
  element: HTMLElement;
  rerender: (node: ReactNode) => Promise<void>;
  unmount: () => Promise<void>;
}

/** Render a tree into the document. */
export async function render(node: ReactNode): Promise<Rendered> {
  const element = document.createElement("div");
  document.body.append(element);
  const root = createRoot(element);
  roots.push(root);
  const rerender = (next: ReactNode): Promise<void> =>
    act(async () => {
      root.render(next);
      await Promise.resolve();
    });
  await rerender(node);
  const unmount = (): Promise<void> =>
    act(async () => {
      root.unmount();
      roots = roots.filter((one) => one !== root);
      await Promise.resolve();
    });
  return { element, rerender, unmount };
}

/** A component with the hook, which keeps what it returned in each render. */
export function makeProbe() {
  const handles: StreamHandle[] = [];
  function Probe({
    children,
    ...options
  }: UseStreamOptions & { children?: (stream: StreamHandle) => ReactNode }) {
    const stream = useStream({ signalling, ...options });
    handles.push(stream);
    return children?.(stream) ?? null;
  }
  return {
    Probe,
    handles,
    /** What it returned last. */
    get stream(): StreamHandle {
      return handles.at(-1) as StreamHandle;
    },
  };
}

/** Render the hook in Strict Mode, as most applications do. */
export async function renderStream(options: UseStreamOptions = {}) {
  const probe = makeProbe();
  const tree = (next: UseStreamOptions) => (
    <StrictMode>
      <probe.Probe {...next} />
    </StrictMode>
  );
  const rendered = await render(tree(options));
  return {
    ...rendered,
    probe,
    rerender: (next: UseStreamOptions) => rendered.rerender(tree(next)),
  };
}

/** Let everything go on that can, within `act`. */
export async function settle(): Promise<void> {
  await act(async () => {
    for (let times = 0; times < 20; times++) await Promise.resolve();
  });
}

/** Start a stream and connect it. */
export async function connect(stream: StreamHandle): Promise<void> {
  await act(async () => {
    const outcome = stream.start();
    for (let times = 0; times < 20; times++) await Promise.resolve();
    FakePeer.last.connect();
    await outcome;
  });
}

/** Have the server send messages. */
export async function say(...messages: (object | string)[]): Promise<void> {
  await act(async () => {
    for (const message of messages) FakePeer.last.say(message);
    await Promise.resolve();
  });
}
