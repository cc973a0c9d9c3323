// In Node, where there is no document, no microphone and no WebRTC.
import { renderToString } from "react-dom/server";
import { expect, it, vi } from "vitest";
import {
  AudioLevel,
  Captions,
  StreamButton,
  StreamStatus,
  useLevel,
  useStream,
  VideoView,
} from "@fastrtc/react";

function Page() {
  const stream = useStream({ modality: "audio-video", url: "/api", methods: { now: Date.now } });
  return (
    <main>
      <StreamButton stream={stream} />
      <StreamStatus stream={stream} />
      <AudioLevel stream={stream} />
      <VideoView stream={stream} />
      <Captions stream={stream} />
      <b>{useLevel(stream)}</b>
    </main>
  );
}

it("renders the idle state on the server, without a warning", () => {
  const error = vi.spyOn(console, "error");
  expect(typeof document).toBe("undefined");
  const html = renderToString(<Page />);
  expect(html).toContain(
    '<button type="button" class="fastrtc-button" data-state="idle" data-action="start">Start</button>',
  );
  expect(html).toContain(">Ready</p>");
  expect(html).toContain("<b>-60</b>");
  expect(error).not.toHaveBeenCalled();
});
