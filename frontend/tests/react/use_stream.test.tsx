// @vitest-environment happy-dom
import { act, StrictMode, useEffect, useLayoutEffect } from "react";
import { describe, expect, it, vi } from "vitest";
import type { StreamHandle, UseStreamOptions } from "@fastrtc/react";
import { FakePeer, FakeStream, FakeTrack, getUserMedia } from "../client/browser_double";
import {
  connect,
  listed,
  makeProbe,
  mediaDevices,
  offer,
  prepare,
  render,
  renderStream,
  say,
  settle,
} from "./render";

prepare();

const track = () => FakePeer.last.transceivers[0]?.sender.track as FakeTrack;

describe("a stream", () => {
  it("is idle until it is started, and requests nothing", async () => {
    const { probe } = await renderStream();
    await settle();
    expect(probe.stream).toMatchObject({
      state: "idle",
      active: false,
      id: null,
      error: null,
      notice: null,
      messages: [],
      transcript: [],
      turns: [],
      localStream: null,
      remoteStream: null,
      muted: { microphone: false, camera: false },
    });
    expect(getUserMedia).not.toHaveBeenCalled();
    expect(offer).not.toHaveBeenCalled();
  });

  it("tells the progress of a reconnect, and renders only when there is some", async () => {
    const resume = { secret: "kept", within_s: 30 };
    offer.mockImplementation(({ type }) =>
      Promise.resolve(
        type === "ice-candidate"
          ? { status: "success" }
          : { sdp: "v=0", type: "answer" as const, resume },
      ),
    );
    const { probe } = await renderStream();
    await connect(probe.stream);
    await act(async () => {
      FakePeer.last.become("failed");
      await Promise.resolve();
    });
    expect(probe.stream.state).toBe("reconnecting");
    const { timeLeft, attempt } = probe.stream.reconnecting ?? {};
    expect(attempt).toBe(1);
    expect(timeLeft).toBeGreaterThan(0);
    const renders = probe.handles.length;
    await settle();
    expect(probe.handles.length).toBeLessThanOrEqual(renders + 1);
  });

  it("connects, and ends", async () => {
    const { probe } = await renderStream({ modality: "audio-video" });
    await connect(probe.stream);
    const { stream } = probe;
    expect(stream).toMatchObject({ state: "connected", active: true, transport: "webrtc" });
    expect(stream.id).toBe(stream.connection.id);
    expect(stream.localStream).toBe(stream.connection.localStream);
    expect(stream.remoteStream?.getTracks()).toHaveLength(2);
    act(() => {
      stream.stop();
    });
    expect(probe.stream).toMatchObject({
      state: "stopped",
      error: null,
      localStream: null,
      remoteStream: null,
    });
    const states = probe.handles.map(({ state }) => state);
    expect(states.at(0)).toBe("idle");
    expect(states.at(-1)).toBe("stopped");
  });

  it("asks for the microphone within the click", async () => {
    getUserMedia.mockReturnValueOnce(new Promise(() => undefined));
    const { probe } = await renderStream();
    act(() => {
      void probe.stream.start();
      expect(probe.stream.connection.state).toBe("asking");
    });
    await settle();
    expect(getUserMedia).toHaveBeenCalledOnce();
    expect(probe.stream.state).toBe("asking");
    act(() => {
      probe.stream.stop();
    });
    expect(probe.stream.state).toBe("stopped");
    await act(async () => {
      void probe.stream.start();
      for (let times = 0; times < 20; times++) await Promise.resolve();
    });
    expect(probe.stream.state).toBe("connecting");
  });

  it("says why it failed, until the next start", async () => {
    getUserMedia.mockRejectedValueOnce(Object.assign(new Error(), { name: "NotAllowedError" }));
    const { probe } = await renderStream();
    let connected: boolean | undefined;
    await act(async () => {
      connected = await probe.stream.start();
    });
    expect(connected).toBe(false);
    expect(probe.stream).toMatchObject({ state: "failed", active: false });
    expect(probe.stream.error?.code).toBe("permission_denied");
    await connect(probe.stream);
    expect(probe.stream).toMatchObject({ state: "connected", error: null });
  });

  it("starts without a device if it is silent", async () => {
    const { probe } = await renderStream();
    await act(async () => {
      void probe.stream.start({ silent: true });
      await Promise.resolve();
    });
    expect(getUserMedia).not.toHaveBeenCalled();
    expect(probe.stream.muted.microphone).toBe(true);
  });

  it("may be started by an event handler itself", async () => {
    const probe = makeProbe();
    const { element } = await render(
      <probe.Probe>{({ start }) => <button onClick={(event) => void start(event)} />}</probe.Probe>,
    );
    await act(async () => {
      element.querySelector("button")?.click();
      await Promise.resolve();
    });
    expect(getUserMedia).toHaveBeenCalledOnce();
    expect(probe.stream.active).toBe(true);
  });
});

describe("a snapshot", () => {
  it("is the same object until something changes, and never changes itself", async () => {
    const { probe, rerender } = await renderStream();
    const first = probe.stream;
    await rerender({});
    act(() => {
      probe.stream.muteMicrophone(false); // it is not muted
    });
    expect(probe.stream).toBe(first);
    await connect(probe.stream);
    const second = probe.stream;
    expect(second).not.toBe(first);
    expect(first.state).toBe("idle");
    await say({ type: "mine", data: 1 });
    expect(second.messages).toEqual([]);
    expect(probe.stream.messages).toEqual([{ type: "mine", data: 1 }]);
    for (const key of ["turn", "muted", "conversation", "levels", "devices", "turns"] as const) {
      expect(probe.stream[key], key).toBe(second[key]);
    }
  });

  it("has functions that never change", async () => {
    const { probe } = await renderStream();
    const first = probe.stream;
    await connect(first);
    await say({ type: "mine" });
    for (const [name, value] of Object.entries(first)) {
      if (typeof value === "function") expect(probe.stream[name as keyof StreamHandle]).toBe(value);
    }
    expect(probe.stream.devices.setMicrophone).toBe(first.devices.setMicrophone);
    expect(probe.stream.connection).toBe(first.connection);
  });

  it("has the last messages, and the transcript", async () => {
    const { probe } = await renderStream({ keepMessages: 2 });
    await connect(probe.stream);
    await say({ type: "one" }, { type: "two" });
    await say({ type: "transcript", data: { who: "user", text: "Hello", final: true } });
    expect(probe.stream.messages.map(({ type }) => type)).toEqual(["two", "transcript"]);
    expect(probe.stream.transcript).toMatchObject([{ who: "user", text: "Hello" }]);
    act(() => {
      probe.stream.stop();
    });
    expect(probe.stream.transcript).toHaveLength(1);
    await connect(probe.stream);
    expect(probe.stream.messages).toEqual([]);
    expect(probe.stream.transcript).toEqual([]);
  });

  it("causes no renders by messages if none are kept", async () => {
    const onMessage = vi.fn();
    const { probe } = await renderStream({ keepMessages: 0, onMessage });
    await connect(probe.stream);
    const renders = probe.handles.length;
    await say({ type: "one" }, { type: "two" });
    expect(onMessage).toHaveBeenCalledTimes(2);
    expect(probe.handles).toHaveLength(renders);
    expect(probe.stream.messages).toEqual([]);
  });

  it("follows the conversation, the turns and the mute buttons", async () => {
    const { probe } = await renderStream();
    await connect(probe.stream);
    await say({ type: "conversation", data: { state: "thinking" } });
    expect(probe.stream.conversation.state).toBe("thinking");
    expect(probe.stream.turns).toMatchObject([{ kind: "reply", source: "page" }]);
    act(() => {
      probe.stream.muteMicrophone();
    });
    expect(probe.stream.muted.microphone).toBe(true);
    expect(track().enabled).toBe(false);
    act(() => {
      probe.stream.muteMicrophone(false);
    });
    expect(probe.stream.muted.microphone).toBe(false);
  });

  it("has the last problem that did not end it", async () => {
    const { probe } = await renderStream();
    await connect(probe.stream);
    await say({ type: "warning", message: "Slow today" });
    expect(probe.stream.notice).toEqual({ level: "warning", sentence: "Slow today" });
    await say({ type: "error", message: "No model" });
    expect(probe.stream.notice).toEqual({ level: "error", sentence: "No model" });
    await say({ type: "end_stream", data: "Enough" });
    expect(probe.stream.notice).toBeNull();
    expect(probe.stream.error?.sentence).toContain("Enough");
  });

  it("has the turn of push to talk", async () => {
    const { probe } = await renderStream({ turnDetection: "manual" });
    expect(probe.stream.turn).toEqual({ manual: true, talking: false });
    await connect(probe.stream);
    act(() => {
      expect(probe.stream.begin()).toBe(true);
    });
    expect(probe.stream.turn.talking).toBe(true);
    act(() => {
      probe.stream.cancel();
    });
    expect(probe.stream.turn.talking).toBe(false);
  });
});

describe("options", () => {
  it("may be other objects in each render", async () => {
    const { probe, rerender } = await renderStream({ devices: {}, metadata: { a: 1 } });
    const renders = probe.handles.length;
    for (let times = 0; times < 3; times++) {
      await rerender({
        devices: {},
        metadata: { a: 1 },
        methods: {},
        onMessage: () => undefined,
      });
    }
    expect(probe.handles.length - renders).toBeLessThanOrEqual(6); // Strict Mode renders twice
    expect(getUserMedia).not.toHaveBeenCalled();
  });

  it("take effect at the next start", async () => {
    const { probe, rerender } = await renderStream({ metadata: { page: 1 } });
    await connect(probe.stream);
    expect(offer.mock.calls[0]?.[0]).toMatchObject({ metadata: { page: 1 } });
    await rerender({ metadata: { page: 2 }, modality: "video" });
    expect(probe.stream.state).toBe("connected");
    expect(probe.stream.connection.kinds).toEqual(["audio"]);
    act(() => {
      probe.stream.stop();
    });
    offer.mockClear();
    await connect(probe.stream);
    expect(offer.mock.calls[0]?.[0]).toMatchObject({ metadata: { page: 2 } });
    expect(Object.keys(getUserMedia.mock.lastCall?.[0] ?? {})).toEqual(["video"]);
  });

  it("apply to a start in an effect of the same render", async () => {
    const probe = makeProbe();
    function Auto({ stream }: { stream: StreamHandle }) {
      useLayoutEffect(() => {
        void stream.start();
      }, [stream]);
      return null;
    }
    const tree = (options: UseStreamOptions, auto: boolean) => (
      <probe.Probe {...options}>{(stream) => auto && <Auto stream={stream} />}</probe.Probe>
    );
    const { rerender } = await render(tree({}, false));
    await rerender(tree({ metadata: { page: 2 } }, true));
    await settle();
    expect(offer.mock.calls[0]?.[0]).toMatchObject({ metadata: { page: 2 } });
  });

  it("keep the devices that the user has selected, until others are passed", async () => {
    const wanted = (): unknown => getUserMedia.mock.lastCall?.[0]["audio"];
    const { probe, rerender } = await renderStream({ devices: { microphoneId: "one" } });
    expect(probe.stream.devices.microphoneId).toBe("one");
    await act(() => probe.stream.devices.setMicrophone("two"));
    expect(probe.stream.devices.microphoneId).toBe("two");
    await rerender({ devices: { microphoneId: "one" } });
    await connect(probe.stream);
    expect(wanted()).toMatchObject({ deviceId: { exact: "two" } });
    await act(() => probe.stream.devices.setMicrophone("three"));
    expect(wanted()).toMatchObject({ deviceId: { exact: "three" } });
    expect(probe.stream.devices.microphoneId).toBe("three");
    act(() => {
      probe.stream.stop();
    });
    await rerender({ devices: { microphoneId: "four" } });
    await connect(probe.stream);
    expect(wanted()).toMatchObject({ deviceId: { exact: "four" } });
  });

  it("select a device at once while idle", async () => {
    const { probe, rerender } = await renderStream({ devices: { microphoneId: "one" } });
    await rerender({ devices: { microphoneId: "two" } });
    expect(probe.stream.devices.microphoneId).toBe("two");
    await connect(probe.stream);
    await rerender({ devices: { microphoneId: "three" } });
    expect(probe.stream.devices.microphoneId).toBe("two");
    act(() => {
      probe.stream.stop();
    });
    expect(probe.stream.devices.microphoneId).toBe("three");
  });

  it("have functions for a reconnect, of the latest render", async () => {
    const reconnect = { grace: 0 };
    const options = (page: number): UseStreamOptions => ({
      reconnect,
      resume: false,
      id: () => `id of ${page}`,
      token: () => `token of ${page}`,
      rtcConfiguration: () => ({ iceServers: [{ urls: `stun:${page}.example.org` }] }),
    });
    const used = () => {
      const [body, , token] = offer.mock.lastCall ?? [];
      return [body?.webrtc_id, token, FakePeer.last.configuration.iceServers?.[0]?.urls];
    };
    const connectAfter = (begin: () => unknown) =>
      act(async () => {
        const peers = FakePeer.all.length;
        const outcome = begin();
        await vi.waitFor(() => {
          expect(FakePeer.all.length).toBe(peers + 1);
          expect(FakePeer.last.remoteDescription).not.toBeNull();
        });
        FakePeer.last.connect();
        await outcome;
      });
    const lose = () =>
      connectAfter(() => {
        FakePeer.last.become("disconnected");
      });
    const { probe, rerender } = await renderStream(options(1));
    await connectAfter(() => probe.stream.start());
    expect(used()).toEqual(["id of 1", "token of 1", "stun:1.example.org"]);
    await rerender(options(2));
    await lose();
    expect(used()).toEqual(["id of 2", "token of 2", "stun:2.example.org"]);
    await rerender({ token: null });
    await lose();
    expect(used()).toEqual(["id of 1", "token of 1", "stun:1.example.org"]);
  });

  it("have methods for the program, of the latest render", async () => {
    const answers = () =>
      FakePeer.last.channel.sent
        .map((text) => JSON.parse(text) as { type: string })
        .filter(({ type }) => type === "result");
    const { probe, rerender } = await renderStream({ methods: { add: () => 1, old: () => 0 } });
    await connect(probe.stream);
    await say({ type: "call", id: "a", name: "add", data: null });
    await rerender({ methods: { add: (data: { by: number }) => 1 + data.by } });
    await say({ type: "call", id: "b", name: "add", data: { by: 2 } });
    await say({ type: "call", id: "c", name: "old", data: null });
    await settle();
    expect(answers()).toMatchObject([
      { id: "a", data: 1 },
      { id: "b", data: 3 },
      { id: "c", error: expect.stringContaining("old") as string },
    ]);
  });

  it("have a listener for messages, of the latest render", async () => {
    const [first, second] = [vi.fn(), vi.fn()];
    const { probe, rerender } = await renderStream({ onMessage: first });
    await connect(probe.stream);
    await say({ type: "one" });
    await rerender({ onMessage: second });
    await say({ type: "two" });
    expect(first.mock.calls).toEqual([[{ type: "one" }]]);
    expect(second.mock.calls).toEqual([[{ type: "two" }]]);
  });
});

describe("the life of the component", () => {
  function Auto({ stream }: { stream: StreamHandle }) {
    useEffect(() => {
      void stream.start();
    }, [stream.start]);
    return null;
  }

  it("survives Strict Mode with one request for the microphone", async () => {
    const probe = makeProbe();
    await render(
      <StrictMode>
        <probe.Probe>{(stream) => <Auto stream={stream} />}</probe.Probe>
      </StrictMode>,
    );
    await settle();
    await act(async () => {
      FakePeer.last.connect();
      await Promise.resolve();
    });
    expect(probe.stream.state).toBe("connected");
    expect(getUserMedia).toHaveBeenCalledOnce();
    expect(FakePeer.all).toHaveLength(1);
  });

  it("ends the connection when it is unmounted", async () => {
    const { probe, unmount } = await renderStream();
    await connect(probe.stream);
    const microphone = track();
    await unmount();
    expect(probe.stream.connection.state).toBe("stopped");
    expect(microphone.readyState).toBe("ended");
    expect(await probe.stream.start()).toBe(false);
    expect(getUserMedia).toHaveBeenCalledOnce();
  });

  it("releases a microphone that is granted after it was unmounted", async () => {
    let grant: (stream: FakeStream) => void = () => undefined;
    getUserMedia.mockReturnValueOnce(new Promise((resolve) => (grant = resolve)));
    const { probe, unmount } = await renderStream();
    let outcome: Promise<boolean> | undefined;
    act(() => {
      outcome = probe.stream.start();
    });
    expect(probe.stream.state).toBe("asking");
    await unmount();
    const late = new FakeStream([new FakeTrack("audio")]);
    grant(late);
    expect(await outcome).toBe(false);
    await settle();
    expect(late.tracks[0]?.readyState).toBe("ended");
    expect(offer).not.toHaveBeenCalled();
  });

  it("begins anew when it is mounted again", async () => {
    const probe = makeProbe();
    const { rerender } = await render(<probe.Probe key="one" />);
    await connect(probe.stream);
    const former = probe.stream.connection;
    await rerender(<probe.Probe key="two" />);
    expect(former.state).toBe("stopped");
    expect(probe.stream.state).toBe("idle");
    expect(probe.stream.connection).not.toBe(former);
    await connect(probe.stream);
    expect(probe.stream.state).toBe("connected");
    expect(former.state).toBe("stopped");
  });

  it("has one connection for each hook", async () => {
    const [one, two] = [makeProbe(), makeProbe()];
    await render(
      <>
        <one.Probe />
        <two.Probe />
      </>,
    );
    await connect(one.stream);
    expect([one.stream.state, two.stream.state]).toEqual(["connected", "idle"]);
  });
});

describe("devices", () => {
  const list = (kind: MediaDeviceKind, deviceId: string, label: string) => {
    listed.push({ kind, deviceId, label });
  };

  it("are listed, and followed", async () => {
    list("audioinput", "a", "Desk");
    list("videoinput", "b", "Lid");
    const { probe, unmount } = await renderStream();
    await settle();
    expect(probe.stream.devices).toMatchObject({
      microphones: [{ id: "a", label: "Desk" }],
      cameras: [{ id: "b", label: "Lid" }],
      microphoneId: null,
    });
    list("audioinput", "c", "Headset");
    mediaDevices.dispatchEvent(new Event("devicechange"));
    await settle();
    expect(probe.stream.devices.microphones).toHaveLength(2);
    const { devices } = probe.stream;
    await act(() => devices.refresh());
    expect(probe.stream.devices).toBe(devices);
    const calls = mediaDevices.enumerateDevices.mock.calls.length;
    await unmount();
    mediaDevices.dispatchEvent(new Event("devicechange"));
    await settle();
    expect(mediaDevices.enumerateDevices).toHaveBeenCalledTimes(calls);
  });

  it("are those of the environment", async () => {
    const devices = Object.assign(new EventTarget(), {
      enumerateDevices: () =>
        Promise.resolve([{ kind: "audioinput", deviceId: "e", label: "Other" }]),
    }) as unknown as MediaDevices;
    const { probe } = await renderStream({ environment: { mediaDevices: devices } });
    await settle();
    expect(probe.stream.devices.microphones).toEqual([{ id: "e", label: "Other" }]);
    devices.enumerateDevices = () => Promise.resolve([]);
    devices.dispatchEvent(new Event("devicechange"));
    await settle();
    expect(probe.stream.devices.microphones).toEqual([]);
    expect(mediaDevices.enumerateDevices).not.toHaveBeenCalled();
  });

  it("have names once the microphone was allowed", async () => {
    list("audioinput", "a", "");
    const { probe } = await renderStream();
    await settle();
    listed.length = 0;
    list("audioinput", "a", "Desk");
    await connect(probe.stream);
    await settle();
    expect(probe.stream.devices.microphones).toEqual([{ id: "a", label: "Desk" }]);
  });
});
