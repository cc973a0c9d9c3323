import { expect, it } from "vitest";
import { askForTurn, gradioSignalling } from "../../view/signalling";

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

it.each([
  [true, "server_error"],
  [false, "server_unreachable"],
])("turns null into a sentence: is the server there? %s", async (there, code) => {
  const nothing = { offer: () => Promise.resolve(null) };
  const signalling = gradioSignalling(
    () => nothing,
    () => Promise.resolve(there),
  );
  await expect(signalling.offer(OFFER)).rejects.toMatchObject({ code });
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
