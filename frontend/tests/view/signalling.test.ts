// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { askForTurn, gradioSignalling, tokenOfPage } from "../../view/signalling";

const OFFER = { sdp: "v=0", type: "offer", webrtc_id: "a" } as const;

it("passes offers and their answers through", async () => {
  const bodies: unknown[] = [];
  const answer = { sdp: "v=0", type: "answer" };
  const signalling = gradioSignalling(() => ({
    offer: (body) => {
      bodies.push(body);
      return Promise.resolve(answer);
    },
  }));
  expect(await signalling.offer(OFFER)).toEqual(answer);
  expect(bodies).toEqual([OFFER]);
});

it("sends the token in the address of the page", async () => {
  vi.stubGlobal("location", new URL("https://x.test/app/?token=frtc1.a.b&other=1"));
  const bodies: unknown[] = [];
  const keep = (body: unknown) => {
    bodies.push(body);
    return Promise.resolve({});
  };
  const server = { offer: keep, turn: keep };
  await gradioSignalling(() => server).offer(OFFER);
  await askForTurn(server);
  const token = "frtc1.a.b";
  expect(tokenOfPage()).toBe(token);
  expect(bodies).toEqual([{ ...OFFER, token }, { token }]);
  vi.unstubAllGlobals();
  expect(tokenOfPage()).toBeNull();
});

describe("nothing, which is what Gradio makes of all that goes wrong,", () => {
  const signalling = gradioSignalling(() => ({ offer: () => Promise.resolve(null) }));
  const ask = vi.fn<(url: string, init?: RequestInit) => Promise<Response>>();

  beforeEach(() => {
    ask.mockReset();
    vi.stubGlobal("fetch", ask);
    vi.stubGlobal("gradio_config", { root: "https://x.test/app", api_prefix: "/gradio_api" });
  });

  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it.each([
    [200, "server_error"], // an exception in the function
    [401, "forbidden"], // the login has expired
    [404, "not_found"],
    [500, "server_error"],
    [502, "server_unavailable"], // it starts anew behind a proxy
    [503, "server_unavailable"],
    [504, "server_unavailable"],
  ])("is told apart by what else the server says: %i", async (status, code) => {
    ask.mockResolvedValue(new Response(null, { status }));
    await expect(signalling.offer(OFFER)).rejects.toMatchObject({ code });
    expect(ask.mock.lastCall?.[0]).toBe("https://x.test/app/gradio_api/login_check");
  });

  it("is a server that is not there when nobody answers", async () => {
    ask.mockRejectedValue(new TypeError("Failed to fetch"));
    await expect(signalling.offer(OFFER)).rejects.toMatchObject({ code: "server_unreachable" });
  });

  it.each([
    [200, "server_error"],
    [405, "server_error"], // the page is there, but not for HEAD
    [503, "server_unavailable"],
  ])(
    "is looked into by the page itself where Gradio tells no address: %i",
    async (status, code) => {
      vi.stubGlobal("gradio_config", undefined);
      ask.mockResolvedValue(new Response(null, { status }));
      await expect(signalling.offer(OFFER)).rejects.toMatchObject({ code });
      expect(ask).toHaveBeenCalledWith(location.href, { method: "HEAD", cache: "no-store" });
    },
  );
});

describe("a server that never answers", () => {
  const hanging = gradioSignalling(() => ({ offer: () => new Promise(() => undefined) }));

  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it("is waited for no longer than 15 s", async () => {
    const failed = expect(hanging.offer(OFFER)).rejects.toMatchObject({ code: "server_timeout" });
    await vi.advanceTimersByTimeAsync(15_000);
    await failed;
  });

  it("is not waited for when its answer is no longer wanted", async () => {
    const wanted = new AbortController();
    const failed = expect(hanging.offer(OFFER, wanted.signal)).rejects.toThrow();
    wanted.abort();
    await failed;
  });
});

it("turns a lost network into a sentence", async () => {
  const signalling = gradioSignalling(() => ({ offer: () => Promise.reject(new Error("gone")) }));
  await expect(signalling.offer(OFFER)).rejects.toMatchObject({ code: "server_unreachable" });
});

it("asks for the configuration, which may be none", async () => {
  const configuration = { iceServers: [{ urls: "turn:x.test" }] };
  expect(await askForTurn({ turn: () => Promise.resolve(configuration) })).toEqual(configuration);
  expect(await askForTurn({ turn: () => Promise.resolve(null) })).toBeNull();
  expect(await askForTurn({})).toBeNull();
});
