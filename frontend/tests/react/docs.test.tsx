// @vitest-environment happy-dom
import { act } from "react";
import { beforeEach, expect, it, vi } from "vitest";
import App from "../../../docs/src/react/App";
import { AssistantProvider, Prices, TalkButton, useAssistant } from "../../../docs/src/react/parts";
import { FakePeer } from "../client/browser_double";
import { prepare, render, say, settle } from "./render";

prepare();

/** The server's answers to offers. */
const post = vi.fn<typeof fetch>();

beforeEach(() => {
  post.mockReset();
  post.mockImplementation(() => Promise.resolve(Response.json({ sdp: "v=0", type: "answer" })));
  vi.stubGlobal("fetch", post);
});

const press = async (text: string): Promise<void> => {
  const button = [...document.querySelectorAll("button")].find((one) => one.textContent === text);
  await act(async () => {
    button?.click();
    await Promise.resolve();
  });
  await settle();
};

const connect = (): Promise<void> =>
  act(async () => {
    FakePeer.last.connect();
    await Promise.resolve();
  });

it("shows a conversation on the page of the guide", async () => {
  const { element } = await render(<App />);
  expect(element.textContent).toContain("Ready");
  await press("Start");
  expect(post.mock.calls[0]?.[0]).toBe("/api/webrtc/offer");
  expect(post.mock.calls[0]?.[1]?.body).toContain('"metadata":{"name":"Ada"}');
  await connect();
  await say({ type: "transcript", data: { who: "assistant", text: "I have heard Ada." } });
  expect(element.textContent).toContain("Listening");
  expect(element.textContent).toContain("I have heard Ada.");
  await say({ type: "error", message: "No model" });
  expect(element.querySelector("[role=alert]")?.textContent).toBe("No model");
});

it("calls the program, and is called", async () => {
  const { element } = await render(<Prices />);
  await press("idle");
  await connect();
  await press("Price of tea: null");
  const [call] = FakePeer.last.channel.sent.map((text) => JSON.parse(text) as object);
  expect(call).toMatchObject({ type: "call", name: "price_of", data: { item: "tea" } });
  await say({ type: "result", id: (call as { id: string }).id, data: 2.5 });
  expect(element.textContent).toContain("Price of tea: 2.5");
  await say({ type: "call", id: "one", name: "location", data: { exact: true } });
  await settle();
  expect(FakePeer.last.channel.sent.at(-1)).toContain("Main St. 1");
});

it("talks while a button is held, in a call that a context shares", async () => {
  function Page() {
    const stream = useAssistant();
    return (
      <>
        <TalkButton stream={stream} />
        <button onClick={() => void stream.start()}>Start</button>
      </>
    );
  }
  const { element } = await render(
    <AssistantProvider>
      <Page />
    </AssistantProvider>,
  );
  await press("Start");
  await connect();
  await press("Hold to talk"); // a click without a pointer begins a turn
  expect(element.querySelector("button")?.textContent).toBe("Release to send");
  expect(FakePeer.last.channel.sent.at(-1)).toContain("begin");
});
