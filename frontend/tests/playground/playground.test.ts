// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Connection } from "../../client/connection";
import type { OfferBody } from "../../client/types";
import { Playground } from "../../playground/playground";
import { readTarget } from "../../playground/target";
import { FakePeer, installDoubles } from "../client/browser_double";

/** Inputs that were posted, without the id. */
let posted: unknown[];
let kind: "mounted" | "gradio";
let shown: Playground;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0);
  installDoubles();
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => undefined }));
  vi.stubGlobal("fetch", answer);
  vi.spyOn(HTMLMediaElement.prototype, "srcObject", "set").mockImplementation(() => undefined);
  const devices = {
    addEventListener: () => undefined,
    enumerateDevices: () => Promise.resolve([]),
  };
  Object.assign(navigator.mediaDevices, devices);
  posted = [];
  kind = "mounted";
  shown = show();
});

afterEach(() => {
  shown.connection.stop();
  document.body.replaceChildren();
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const settle = () => vi.advanceTimersByTimeAsync(0);

/** A server that keeps its sessions. */
function answer(_: string, { body }: { body: string }): Promise<Response> {
  const { sdp, resume } = JSON.parse(body) as Partial<OfferBody>;
  const kept = { secret: "s", within_s: 30, resumed: typeof resume === "string" };
  const given = sdp ? { sdp, type: "answer", resume: kept } : { status: "success" };
  return Promise.resolve(Response.json(given));
}

const target = () =>
  readTarget({ url: "http://server.example", kind, found: { modality: "audio" } });

function show(): Playground {
  const playground = new Playground(target(), {
    connect: (options) => new Connection({ ...options, transport: "webrtc" }),
    ask: () => Promise.resolve(target()),
    iceServers: () => Promise.resolve(null),
    inputRoutes: () => Promise.resolve([]),
    setInputs: (route, { webrtc_id: id, ...inputs }: { webrtc_id?: unknown }) => {
      expect(id).toBe(shown.connection.id);
      posted.push([route, inputs]);
      return Promise.resolve();
    },
    storage: null,
  });
  document.body.append(playground.root);
  return playground;
}

async function start(): Promise<void> {
  const outcome = shown.start();
  await settle();
  FakePeer.last.connect();
  await outcome;
  expect(shown.connection.state).toBe("connected");
}

async function lose(): Promise<void> {
  FakePeer.last.become("disconnected");
  await vi.advanceTimersByTimeAsync(1000);
  expect(shown.connection.state).toBe("reconnecting");
}

/** Connect again, to the same session. */
async function returnToServer(): Promise<void> {
  FakePeer.last.connect();
  await settle();
  expect(shown.connection.state).toBe("connected");
}

/** Set inputs; returns what the page says. */
async function set(inputs: string): Promise<string | undefined> {
  const { root } = shown;
  root.querySelector<HTMLInputElement>(".pg-composer [value=inputs]")?.click();
  const route = root.querySelector<HTMLInputElement>("[aria-label='Route of the inputs']");
  const json = root.querySelector<HTMLTextAreaElement>(".pg-composer textarea");
  if (route) route.value = "/inputs";
  if (json) json.value = inputs;
  root.querySelector(".pg-composer")?.dispatchEvent(new Event("submit", { cancelable: true }));
  await settle();
  return root.querySelector(".pg-result")?.textContent;
}

it("sends inputs that are set before the start, and again at each new session", async () => {
  expect(await set('{"a": 1}')).toBe("Sent when connected.");
  await start();
  expect(posted).toEqual([["/inputs", { a: 1 }]]);
  shown.connection.stop();
  await start();
  expect(posted).toHaveLength(2);
});

it("sends inputs that are set while it reconnects to the session that is resumed", async () => {
  await set('{"a": 1}');
  await start();
  await lose();
  expect(await set('{"a": 2}')).toBe("Sent when connected.");
  await returnToServer();
  expect(posted).toEqual([
    ["/inputs", { a: 1 }],
    ["/inputs", { a: 2 }],
  ]);
  await lose();
  await returnToServer();
  expect(posted).toHaveLength(2); // the session has them
  expect(await set('{"a": 3}')).toBe("Set.");
  expect(posted).toHaveLength(3);
});

it("sets no inputs of a Gradio page", async () => {
  await start();
  await set('{"a": 1}');
  kind = "gradio"; // another program was started there
  await shown.look();
  expect(await set('{"a": 2}')).toBe("A Gradio page takes its inputs from its own components.");
  expect(posted).toEqual([["/inputs", { a: 1 }]]);
});
