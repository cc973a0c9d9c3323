import { describe, expect, it } from "vitest";
import { asSentence, modalityIn, ownTarget, readTarget } from "../../playground/target";

describe("readTarget", () => {
  it("reads the answer of the command", () => {
    const target = readTarget({
      url: "http://127.0.0.1:7860/talk",
      kind: "gradio",
      modality: null,
      mode: "send",
      transport: "websocket",
      has_token: true,
      found: { modality: "audio", mode: "send-receive" },
      notes: ["the page has 2 streams: the first one"],
    });
    expect(target).toEqual({
      served: true,
      url: "http://127.0.0.1:7860/talk",
      offers: "/webrtc/offer",
      kind: "gradio",
      chosen: { modality: null, mode: "send", transport: "websocket" },
      found: { modality: "audio", mode: "send-receive" },
      hasToken: true,
      notes: ["the page has 2 streams: the first one"],
      problem: null,
    });
  });

  it("makes a sentence of a problem", () => {
    const problem = { sentence: "there is no stream at http://x", advice: "Pass its address." };
    expect(readTarget({ url: "http://x", problem }).problem).toEqual({
      sentence: "There is no stream at http://x.",
      advice: "Pass its address.",
    });
  });

  it("takes nothing that it does not know", () => {
    const target = readTarget({ url: 1, kind: "else", found: { modality: "smell" }, notes: "no" });
    expect(target).toMatchObject({ url: "", kind: null, found: { modality: null }, notes: [] });
    expect(readTarget(null).served).toBe(true);
  });
});

describe("ownTarget", () => {
  const offers = (query: string): string =>
    ownTarget(new URL(`https://app.example/fastrtc/playground/index.html${query}`)).offers;

  it("is the stream of the page's own server", () => {
    expect(offers("")).toBe("/webrtc/offer");
    expect(offers("?stream=/talk/")).toBe("/talk/webrtc/offer");
  });

  it.each([
    "https://evil.example",
    "//evil.example/x",
    "/\\evil.example",
    "/%09/evil.example",
    "talk",
    "/a?b",
    "/a%23b",
  ])("is no other server's: %s", (stream) => {
    expect(offers(`?stream=${stream}`)).toBe("/webrtc/offer");
  });
});

it("reads the media that a refusal names", () => {
  const refusal =
    "The server refused the offer: Unsupported track kind audio: the stream's modality is";
  expect(modalityIn(`${refusal} video.`)).toBe("video");
  expect(modalityIn(`${refusal} audio-video.`)).toBe("audio-video");
  expect(modalityIn("The server refused the offer.")).toBeNull();
});

it("makes sentences of phrases", () => {
  expect(asSentence("it is down")).toBe("It is down.");
  expect(asSentence("http://x fails")).toBe("http://x fails.");
  expect(asSentence("Is it?")).toBe("Is it?");
  expect(asSentence(" ")).toBe("");
});
