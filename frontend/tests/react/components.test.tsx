// @vitest-environment happy-dom
import { act, createRef, StrictMode } from "react";
import { hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { describe, expect, it, vi } from "vitest";
import {
  AudioLevel,
  Captions,
  StreamButton,
  StreamStatus,
  VideoView,
  type StreamHandle,
} from "@fastrtc/react";
import { FakePeer, getUserMedia } from "../client/browser_double";
import { connect, makeProbe, prepare, render, say, settle } from "./render";

prepare();

const find = (selector: string) => document.querySelector(selector) as HTMLElement;

describe("StreamButton", () => {
  const press = (): Promise<void> =>
    act(async () => {
      find("button").click();
      await Promise.resolve();
    });
  const shown = () => {
    const { textContent, dataset } = find("button");
    return [textContent, dataset["state"], dataset["action"]];
  };

  it("starts, cancels and stops", async () => {
    const probe = makeProbe();
    await render(<probe.Probe>{(stream) => <StreamButton stream={stream} />}</probe.Probe>);
    expect(shown()).toEqual(["Start", "idle", "start"]);
    expect(find("button").getAttribute("type")).toBe("button");
    getUserMedia.mockReturnValueOnce(new Promise(() => undefined));
    await press();
    expect(shown()).toEqual(["Cancel", "asking", "cancel"]);
    await press();
    expect(shown()).toEqual(["Start", "stopped", "start"]);
    await press();
    await settle();
    expect(shown()).toEqual(["Cancel", "connecting", "cancel"]);
    await act(async () => {
      FakePeer.last.connect();
      await Promise.resolve();
    });
    expect(shown()).toEqual(["Stop", "connected", "stop"]);
    await press();
    expect(probe.stream.state).toBe("stopped");
  });

  it("passes properties on, with other labels and a listener that may prevent it", async () => {
    const probe = makeProbe();
    const ref = createRef<HTMLButtonElement>();
    const onClick = vi.fn((event: { preventDefault: () => void }) => {
      event.preventDefault();
    });
    await render(
      <probe.Probe>
        {(stream) => (
          <StreamButton
            stream={stream}
            labels={{ start: "Talk" }}
            className="mine"
            id="go"
            ref={ref}
            onClick={onClick}
          />
        )}
      </probe.Probe>,
    );
    expect(ref.current?.outerHTML).toBe(
      '<button type="button" id="go" class="fastrtc-button mine" data-state="idle" data-action="start">Talk</button>',
    );
    await press();
    expect(onClick).toHaveBeenCalledOnce();
    expect(probe.stream.state).toBe("idle");
  });

  it("passes the options of the start on, and shows its children", async () => {
    const probe = makeProbe();
    await render(
      <probe.Probe>
        {(stream) => (
          <StreamButton stream={stream} startOptions={{ silent: true }}>
            Go
          </StreamButton>
        )}
      </probe.Probe>,
    );
    await press();
    expect(shown()[0]).toBe("Go");
    expect(getUserMedia).not.toHaveBeenCalled();
    expect(probe.stream.active).toBe(true);
  });
});

describe("StreamStatus", () => {
  const shown = () => {
    const { textContent, dataset } = find("p");
    return [dataset["status"], textContent];
  };

  async function status(options = {}, labels = {}) {
    const probe = makeProbe();
    await render(
      <probe.Probe {...options}>
        {(stream) => <StreamStatus stream={stream} labels={labels} />}
      </probe.Probe>,
    );
    return probe;
  }

  it("says where the stream stands", async () => {
    const probe = await status({ modality: "audio-video" }, { thinking: "Hm" });
    expect(find("p").getAttribute("role")).toBe("status");
    expect(shown()).toEqual(["idle", "Ready"]);
    getUserMedia.mockReturnValueOnce(new Promise(() => undefined));
    await act(async () => {
      void probe.stream.start();
      await Promise.resolve();
    });
    expect(shown()).toEqual(["asking", "Allow the microphone and camera in your browser"]);
    act(() => {
      probe.stream.stop();
    });
    expect(shown()).toEqual(["stopped", "Stopped"]);
    await connect(probe.stream);
    expect(shown()).toEqual(["listening", "Listening"]);
    act(() => {
      probe.stream.muteMicrophone();
    });
    expect(shown()).toEqual(["muted", "Microphone muted"]);
    await say({ type: "conversation", data: { state: "thinking" } });
    expect(shown()).toEqual(["thinking", "Hm"]);
    await say({ type: "end_stream", data: "Closed", code: "idle" });
    expect(shown()).toEqual(["stopped", probe.stream.error?.sentence]);
  });

  it.each([
    [{ modality: "video" }, "live"],
    [{ mode: "receive" }, "live"],
  ])("has no conversation without both voices", async (options, name) => {
    const probe = await status(options);
    await connect(probe.stream);
    expect(shown()).toEqual([name, "Connected"]);
  });

  it("gives the reason of a failure", async () => {
    getUserMedia.mockRejectedValueOnce(Object.assign(new Error(), { name: "NotFoundError" }));
    const probe = await status({}, { failed: "Oh no" });
    await act(async () => {
      await probe.stream.start();
    });
    expect(shown()).toEqual(["failed", "No microphone was found. Connect one and try again."]);
  });
});

describe("VideoView", () => {
  const video = () => find("video") as HTMLVideoElement;

  it("shows what is received, and is silent if the hook plays the audio", async () => {
    const probe = makeProbe();
    const view = (stream: StreamHandle) => <VideoView stream={stream} className="mine" />;
    await render(<probe.Probe modality="audio-video">{view}</probe.Probe>);
    expect(video().srcObject).toBeNull();
    expect(video().dataset).toMatchObject({ side: "remote", state: "idle" });
    expect(video().dataset["empty"]).toBe("");
    await connect(probe.stream);
    expect(video().srcObject).toBe(probe.stream.remoteStream);
    expect(video().dataset["empty"]).toBeUndefined();
    expect(video().muted).toBe(true);
    expect(video().className).toBe("fastrtc-video mine");
    act(() => {
      probe.stream.stop();
    });
    expect(video().srcObject).toBeNull();
  });

  it("plays the audio if the hook does not", async () => {
    const probe = makeProbe();
    const view = (stream: StreamHandle) => <VideoView stream={stream} />;
    await render(
      <probe.Probe modality="audio-video" play={false}>
        {view}
      </probe.Probe>,
    );
    await connect(probe.stream);
    expect(video().muted).toBe(false);
  });

  it("has the reference of the user, and cleans up what it did", async () => {
    const probe = makeProbe();
    const [elements, cleanUp] = [[] as (HTMLVideoElement | null)[], vi.fn()];
    const withCleanUp = (element: HTMLVideoElement | null) => {
      elements.push(element);
      return cleanUp;
    };
    const without = (element: HTMLVideoElement | null) => {
      elements.push(element);
    };
    const tree = (ref: typeof without | typeof withCleanUp) => (
      <probe.Probe>{(stream) => <VideoView stream={stream} ref={ref} />}</probe.Probe>
    );
    const { rerender, unmount } = await render(tree(withCleanUp));
    const element = video();
    await rerender(tree(withCleanUp));
    expect(elements).toEqual([element]);
    expect(cleanUp).not.toHaveBeenCalled();
    await rerender(tree(without));
    expect(elements).toEqual([element, element]);
    expect(cleanUp).toHaveBeenCalledOnce();
    await unmount();
    expect(elements).toEqual([element, element, null]);
    expect(cleanUp).toHaveBeenCalledOnce();
  });

  it("shows the user's own picture: mirrored, silent, and empty if the camera is off", async () => {
    const probe = makeProbe();
    const view = (stream: StreamHandle) => <VideoView stream={stream} side="local" />;
    await render(
      <probe.Probe modality="video" play={false}>
        {view}
      </probe.Probe>,
    );
    await connect(probe.stream);
    expect(video().srcObject).toBe(probe.stream.localStream);
    expect(video().muted).toBe(true);
    expect(video().dataset["mirrored"]).toBe("");
    expect(video().dataset["empty"]).toBeUndefined();
    act(() => {
      probe.stream.muteCamera();
    });
    expect(video().dataset["empty"]).toBe("");
  });
});

describe("Captions", () => {
  it("shows each text in place, and lets screen readers read it once it is final", async () => {
    const probe = makeProbe();
    await render(
      <probe.Probe>
        {(stream) => <Captions stream={stream} names={{ assistant: "Ada" }} />}
      </probe.Probe>,
    );
    const lines = () => [...document.querySelectorAll("p")];
    expect(find("div[role=log]").textContent).toBe("");
    await connect(probe.stream);
    await say({ type: "transcript", data: { who: "user", text: "Hel", final: false } });
    const [partial] = lines();
    expect([partial?.dataset["who"], partial?.dataset["partial"]]).toEqual(["user", ""]);
    expect(partial?.getAttribute("aria-hidden")).toBe("true");
    await say({ type: "transcript", data: { who: "user", text: "Hello" } });
    await say({ type: "transcript", data: { who: "assistant", text: "Hi there" } });
    expect(lines().map((line) => line.textContent)).toEqual(["You Hello", "Ada Hi there"]);
    expect(lines()[0]).not.toBe(partial);
    expect(lines()[0]?.hasAttribute("aria-hidden")).toBe(false);
    await say({ type: "interrupted", data: "" });
    expect(lines()[1]?.dataset["interrupted"]).toBe("");
  });
});

it("takes over what the server has rendered", async () => {
  const probe = makeProbe();
  const page = (
    <StrictMode>
      <probe.Probe modality="audio-video">
        {(stream) => (
          <main>
            <StreamButton stream={stream} />
            <StreamStatus stream={stream} />
            <AudioLevel stream={stream} />
            <VideoView stream={stream} />
            <Captions stream={stream} />
          </main>
        )}
      </probe.Probe>
    </StrictMode>
  );
  const element = document.createElement("div");
  document.body.append(element);
  element.innerHTML = renderToString(page);
  const button = element.querySelector("button");
  const onRecoverableError = vi.fn();
  const root = await act(async () => {
    const made = hydrateRoot(element, page, { onRecoverableError });
    await Promise.resolve();
    return made;
  });
  await settle();
  expect(onRecoverableError).not.toHaveBeenCalled();
  expect(element.querySelector("button")).toBe(button);
  await connect(probe.stream);
  expect(button?.textContent).toBe("Stop");
  act(() => {
    root.unmount();
  });
});
