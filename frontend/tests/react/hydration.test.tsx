// @vitest-environment happy-dom
import { act, StrictMode } from "react";
import { hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { expect, it, vi } from "vitest";
import { AudioLevel, Captions, StreamButton, StreamStatus, VideoView } from "@fastrtc/react";
import { connect, makeProbe, prepare, settle } from "./render";

prepare();

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
