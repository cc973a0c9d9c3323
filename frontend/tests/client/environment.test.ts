// What is given takes the place of a browser: there is none here.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Connection, listDevices, watchDevices, type Environment } from "@fastrtc/client";
import { FakePeer, FakeStream, FakeTrack } from "./browser_double";

const peers = {
  RTCPeerConnection: FakePeer,
  MediaStream: FakeStream,
} as unknown as Environment;

beforeEach(() => {
  FakePeer.all = [];
});

/** The requests for a path below which the stream is mounted. */
function recorder() {
  const requests: { url: string; body: Record<string, unknown> }[] = [];
  const answer = (url: string, { body }: { body: string }) => {
    requests.push({ url, body: JSON.parse(body) as Record<string, unknown> });
    const reply = { sdp: "v=0", type: "answer", status: "success" };
    return Promise.resolve(new Response(JSON.stringify(reply)));
  };
  return { requests, fetch: answer as unknown as typeof fetch };
}

async function begin(connection: Connection): Promise<void> {
  const outcome = connection.start();
  await vi.waitFor(() => {
    expect(FakePeer.last.remoteDescription).not.toBeNull();
  });
  FakePeer.last.connect();
  expect(await outcome).toBe(true);
}

describe("a connection where there is no browser", () => {
  it("uses what is given", async () => {
    const { requests, fetch } = recorder();
    const crypto = { getRandomValues: (array: Uint8Array) => array.fill(7) } as unknown as Crypto;
    const getUserMedia = vi.fn(() => Promise.resolve(new FakeStream([new FakeTrack("audio")])));
    const mediaDevices = { getUserMedia } as unknown as MediaDevices;
    const connection = new Connection({
      url: "https://a.org/voice/",
      environment: { ...peers, fetch, crypto, mediaDevices },
    });
    await begin(connection);
    expect(getUserMedia).toHaveBeenCalledTimes(1);
    expect(requests[0]).toMatchObject({
      url: "https://a.org/voice/webrtc/offer",
      body: { sdp: "v=0", webrtc_id: "07".repeat(16) },
    });
    expect(connection.levels).toEqual({ local: null, remote: null });
    expect(connection.remoteStream).toBeInstanceOf(FakeStream);
    connection.stop();
    expect(connection.state).toBe("stopped");
  });

  it("needs no devices to receive, or to start silent", async () => {
    for (const [mode, silent] of [["receive", false] as const, ["send-receive", true] as const]) {
      const { fetch } = recorder();
      const connection = new Connection({ mode, url: "/api", environment: { ...peers, fetch } });
      const outcome = connection.start({ silent });
      await vi.waitFor(() => {
        expect(FakePeer.last.remoteDescription).not.toBeNull();
      });
      FakePeer.last.connect();
      expect(await outcome).toBe(true);
      connection.stop();
      FakePeer.all = [];
    }
  });

  it("resumes where peers cannot tell what was heard", async () => {
    const { requests, fetch } = recorder();
    const connection = new Connection({
      mode: "receive",
      url: "http://a.org",
      environment: { ...peers, fetch },
      reconnect: { grace: 0 },
    });
    await begin(connection);
    for (const { receiver } of FakePeer.last.transceivers) {
      delete (receiver as Partial<typeof receiver>).getSynchronizationSources;
    }
    FakePeer.last.become("disconnected");
    await vi.waitFor(() => {
      expect(requests.length).toBe(2);
    });
    connection.stop();
  });

  it.each([
    ["no WebRTC", {}, "no_webrtc"],
    ["no streams", { RTCPeerConnection: FakePeer as never }, "no_webrtc"],
    ["no devices", peers, "insecure_page"],
  ])("fails with a code if there are %s", async (_, environment: Environment, code) => {
    const mode = code === "insecure_page" ? "send-receive" : "receive";
    const connection = new Connection({ mode, environment, url: "http://a.org" });
    expect(await connection.start()).toBe(false);
    expect(connection.error?.code).toBe(code);
  });

  it("fails over a WebSocket without audio", async () => {
    const connection = new Connection({ transport: "websocket", mode: "receive", url: "http://a" });
    expect(await connection.start()).toBe(false);
    expect(connection.error?.code).toBe("no_webrtc");
  });
});

it("lists and watches the devices that are given", async () => {
  const devices = new EventTarget() as MediaDevices;
  devices.enumerateDevices = () =>
    Promise.resolve([{ kind: "audioinput", deviceId: "a", label: "A" } as MediaDeviceInfo]);
  const environment = { mediaDevices: devices };
  expect((await listDevices(environment)).microphones).toEqual([{ id: "a", label: "A" }]);
  const listener = vi.fn();
  const forget = watchDevices(listener, environment);
  devices.dispatchEvent(new Event("devicechange"));
  forget();
  devices.dispatchEvent(new Event("devicechange"));
  expect(listener).toHaveBeenCalledTimes(1);
});

it("uses the devices of the browser beside an element with their name", async () => {
  const enumerateDevices = () =>
    Promise.resolve([{ kind: "videoinput", deviceId: "a", label: "A" }]);
  vi.stubGlobal("navigator", { mediaDevices: { enumerateDevices } });
  vi.stubGlobal("mediaDevices", { id: "mediaDevices", tagName: "DIV" }); // as of <div id="mediaDevices">
  try {
    expect((await listDevices()).cameras).toEqual([{ id: "a", label: "A" }]);
  } finally {
    vi.unstubAllGlobals();
  }
});

describe("the address of the stream", () => {
  let server: Server;
  let paths: (string | undefined)[];
  beforeEach(async () => {
    paths = [];
    server = createServer((request, response) => {
      paths.push(request.url);
      response.writeHead(404).end("{}");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it("is that of the option, with fetch as it is", async () => {
    const { port } = server.address() as AddressInfo;
    for (const path of ["", "/", "/deep/er/"]) {
      const connection = new Connection({
        mode: "receive",
        url: `http://127.0.0.1:${port}${path}`,
        environment: peers,
      });
      expect(await connection.start()).toBe(false);
      expect(connection.error?.code).toBe("not_found");
    }
    expect(paths).toEqual(["/webrtc/offer", "/webrtc/offer", "/deep/er/webrtc/offer"]);
  });
});
