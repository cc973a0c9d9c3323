// @vitest-environment happy-dom
import { act } from "react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { StreamStatus } from "@fastrtc/react";
import { connect, makeProbe, prepare, render, renderStream, settle } from "./render";

prepare();

/** The audio elements that were created. */
let elements: HTMLAudioElement[];
const play = vi.fn<() => Promise<void>>();

beforeEach(() => {
  elements = [];
  play.mockReset();
  play.mockResolvedValue(undefined);
  const RealAudio = Audio;
  vi.stubGlobal("Audio", function () {
    const element = new RealAudio();
    element.play = play;
    elements.push(element);
    return element;
  });
});

it("plays what is received in an element that was created in the click", async () => {
  const load = vi.spyOn(HTMLMediaElement.prototype, "load");
  const { probe } = await renderStream();
  expect(elements).toHaveLength(0);
  await act(async () => {
    void probe.stream.start();
    expect(load).toHaveBeenCalledOnce(); // which lets WebKit play it later
    await Promise.resolve();
  });
  act(() => {
    probe.stream.stop();
  });
  await connect(probe.stream);
  expect(elements).toHaveLength(1);
  expect(elements[0]?.srcObject).toBe(probe.stream.remoteStream);
  expect(play).toHaveBeenCalledOnce();
  expect(probe.stream.plays).toBe(true);
  act(() => {
    probe.stream.stop();
  });
  expect(elements[0]?.srcObject).toBeNull();
  await connect(probe.stream);
  expect(elements).toHaveLength(1);
});

it("stops when the component is unmounted", async () => {
  const { probe, unmount } = await renderStream();
  await connect(probe.stream);
  await unmount();
  expect(elements[0]?.srcObject).toBeNull();
});

it.each([
  ["if the page plays it", { play: false }],
  ["of a stream that only sends", { mode: "send" as const }],
  ["of a stream without audio", { modality: "video" as const }],
])("plays nothing %s", async (_, options) => {
  const { probe } = await renderStream(options);
  await connect(probe.stream);
  expect(elements).toHaveLength(0);
});

describe("a browser that blocks audio", () => {
  const refuse = () => {
    play.mockRejectedValueOnce(new DOMException("no gesture", "NotAllowedError"));
  };

  it.each(["pointerup", "touchend", "click", "keydown"])(
    "plays it at the next %s",
    async (gesture) => {
      const probe = makeProbe();
      const { element } = await render(
        <probe.Probe mode="receive">{(stream) => <StreamStatus stream={stream} />}</probe.Probe>,
      );
      refuse();
      await connect(probe.stream);
      expect(probe.stream.audioBlocked).toBe(true);
      expect(element.textContent).toBe("Click anywhere to hear the audio");
      document.dispatchEvent(new Event("pointerdown")); // of a finger, which browsers do not count
      await settle();
      expect(probe.stream.audioBlocked).toBe(true);
      document.dispatchEvent(new Event(gesture));
      await settle();
      expect(probe.stream.audioBlocked).toBe(false);
      const calls = play.mock.calls.length;
      document.dispatchEvent(new Event("keydown"));
      expect(play).toHaveBeenCalledTimes(calls);
    },
  );

  it("plays it when the page asks for it", async () => {
    const { probe } = await renderStream();
    refuse();
    await connect(probe.stream);
    await act(() => probe.stream.playAudio());
    expect(probe.stream.audioBlocked).toBe(false);
  });

  it("forgets it at the end", async () => {
    const { probe } = await renderStream();
    refuse();
    await connect(probe.stream);
    act(() => {
      probe.stream.stop();
    });
    expect(probe.stream.audioBlocked).toBe(false);
    document.dispatchEvent(new Event("pointerup"));
    expect(play).toHaveBeenCalledOnce();
  });
});

it("plays on the speaker that was selected, if the browser can", async () => {
  const setSinkId = vi.spyOn(HTMLMediaElement.prototype, "setSinkId");
  const { probe } = await renderStream();
  const select = (id: string) => act(() => probe.stream.devices.setSpeaker(id));
  setSinkId.mockRejectedValueOnce(new DOMException("unplugged", "NotFoundError"));
  expect(await select("desk")).toBe(false);
  expect(probe.stream.devices.speakerId).toBeNull();
  expect(await select("desk")).toBe(true);
  expect(setSinkId).toHaveBeenLastCalledWith("desk");
  expect(probe.stream.devices.speakerId).toBe("desk");
  await connect(probe.stream);
  expect(elements).toHaveLength(1);
  expect(await select("")).toBe(true);
  expect(probe.stream.devices.speakerId).toBeNull();
});
