import { describe, expect, it } from "vitest";
import { summarise } from "../../client/stats";

type Fields = Record<string, unknown>;

function report(...entries: Fields[]): [string, Fields][] {
  return entries.map((entry) => [
    String(entry["id"] ?? entry["type"]),
    { timestamp: 1000, ...entry },
  ]);
}

const PAIR = {
  id: "pair",
  type: "candidate-pair",
  localCandidateId: "l",
  remoteCandidateId: "r",
  currentRoundTripTime: 0.02,
};
const LOCAL = { id: "l", type: "local-candidate", candidateType: "host", protocol: "udp" };
const REMOTE = { id: "r", type: "remote-candidate", candidateType: "host", protocol: "udp" };

function stats(...entries: Fields[]) {
  return summarise(report(...entries), null).stats;
}

describe("the route", () => {
  const transport = { type: "transport", selectedCandidatePairId: "pair" };
  const other = {
    ...PAIR,
    id: "other",
    nominated: true,
    state: "succeeded",
    localCandidateId: "x",
  };

  it("is that of the selected pair, as Chrome tells it", () => {
    expect(stats(other, transport, PAIR, LOCAL, REMOTE)).toMatchObject({
      route: "host",
      protocol: "udp",
      roundTrip: 0.02,
    });
  });

  it("is found in Firefox's words, too", () => {
    expect(stats({ ...PAIR, selected: true }, LOCAL, REMOTE).route).toBe("host");
  });

  it("is found by the nomination", () => {
    expect(stats({ ...PAIR, nominated: true, state: "succeeded" }, LOCAL, REMOTE).route).toBe(
      "host",
    );
  });

  it.each([
    ["host", "srflx", "srflx"],
    ["relay", "host", "relay"],
    ["prflx", "srflx", "srflx"],
    ["host", "prflx", "prflx"],
  ])("of %s to %s is %s", (local, remote, route) => {
    const ends = [
      { ...LOCAL, candidateType: local },
      { ...REMOTE, candidateType: remote },
    ];
    expect(stats(transport, PAIR, ...ends).route).toBe(route);
  });

  it("over a relay has the relay's protocol", () => {
    const local = { ...LOCAL, candidateType: "relay", relayProtocol: "tls" };
    expect(stats(transport, PAIR, local, REMOTE).protocol).toBe("tls");
  });
});

it("knows nothing of an empty report", () => {
  expect(stats()).toEqual({
    route: null,
    protocol: null,
    roundTrip: null,
    jitter: null,
    loss: null,
    sending: null,
    receiving: null,
    picture: null,
    codecs: [],
  });
});

it("adds up loss over all tracks", () => {
  const audio = { id: "a", type: "inbound-rtp", kind: "audio", jitter: 0.003 };
  const video = { id: "v", type: "inbound-rtp", kind: "video", jitter: 0.1 };
  expect(
    stats(
      { ...video, packetsReceived: 60, packetsLost: 10 },
      { ...audio, packetsReceived: 30, packetsLost: 0 },
    ),
  ).toMatchObject({ loss: 0.1, jitter: 0.003 });
  expect(stats({ ...audio, packetsReceived: 10, packetsLost: -2 }).loss).toBe(0);
});

describe("the loss of what is sent", () => {
  const sent = { id: "o", type: "outbound-rtp", packetsSent: 200 };
  const told = { id: "t", type: "remote-inbound-rtp", localId: "o", packetsLost: 20 };

  it("is not known before the server tells", () => {
    expect(stats(sent).loss).toBeNull();
  });

  it("is what the server tells", () => {
    expect(stats(sent, told).loss).toBe(0.1);
    expect(stats(sent, { ...told, packetsLost: -1 }).loss).toBe(0);
  });

  it("adds up with that of what is received", () => {
    const received = { id: "i", type: "inbound-rtp", packetsReceived: 190, packetsLost: 10 };
    expect(stats(sent, told, received).loss).toBe(30 / 400);
  });
});

it("makes rates of two reports", () => {
  const at = (timestamp: number, sent: number, received: number) =>
    report(
      { id: "o", type: "outbound-rtp", timestamp, bytesSent: sent },
      { id: "i", type: "inbound-rtp", timestamp, bytesReceived: received },
    );
  const first = summarise(at(1000, 100, 1000), null);
  expect(first.stats).toMatchObject({ sending: null, receiving: null });
  const second = summarise(at(3000, 1100, 6000), first.counts);
  expect(second.stats).toMatchObject({ sending: 4000, receiving: 20_000 });
  const third = summarise(at(4000, 0, 0), second.counts); // counted anew
  expect(third.stats).toMatchObject({ sending: 0, receiving: 0 });
});

it("names the codecs once and tells the picture's size", () => {
  const flow = { type: "inbound-rtp", codecId: "c" };
  expect(
    stats(
      { ...flow, id: "a" },
      { ...flow, id: "b", frameWidth: 640, frameHeight: 480, framesPerSecond: 30 },
      { id: "c", type: "codec", mimeType: "video/VP8" },
    ),
  ).toMatchObject({
    codecs: ["VP8"],
    picture: { width: 640, height: 480, framesPerSecond: 30 },
  });
});
