/** The browser's statistics in a few figures. */

import type { StreamStats } from "./types";

/** Byte counts at a time, to make rates of. */
export interface Counts {
  at: number;
  sent: number;
  received: number;
}

/** One entry of a report, with the fields that are looked at; browsers leave some out. */
interface Entry {
  id: string;
  type: string;
  timestamp: number;
  kind?: string;
  codecId?: string;
  mimeType?: string;
  selectedCandidatePairId?: string;
  nominated?: boolean;
  state?: string;
  selected?: boolean; // Firefox
  localCandidateId?: string;
  remoteCandidateId?: string;
  currentRoundTripTime?: number;
  candidateType?: "host" | "srflx" | "prflx" | "relay";
  protocol?: "udp" | "tcp";
  relayProtocol?: "udp" | "tcp" | "tls";
  bytesSent?: number;
  bytesReceived?: number;
  packetsSent?: number;
  packetsReceived?: number;
  packetsLost?: number;
  /** Of what the server tells about: the id of the flow that it is about. */
  localId?: string;
  jitter?: number;
  frameWidth?: number;
  frameHeight?: number;
  framesPerSecond?: number;
}

/**
 * Sum up a report.
 *
 * @param report What `RTCPeerConnection.getStats` gives.
 * @param before The counts of the time before; null the first time.
 */
export function summarise(
  report: Iterable<[string, unknown]>,
  before: Counts | null,
): { stats: Omit<StreamStats, "latency" | "latencyFromSpeech">; counts: Counts } {
  const entries = new Map(report as Iterable<[string, Entry]>);
  const all = [...entries.values()];
  const inbound = all.filter((one) => one.type === "inbound-rtp");
  const outbound = all.filter((one) => one.type === "outbound-rtp");
  const counts = {
    at: Math.max(0, ...all.map((one) => one.timestamp)),
    sent: sum(outbound, "bytesSent"),
    received: sum(inbound, "bytesReceived"),
  };
  const seconds = before ? (counts.at - before.at) / 1000 : 0;
  const rate = (name: "sent" | "received") =>
    before && seconds > 0 ? Math.max(0, ((counts[name] - before[name]) * 8) / seconds) : null;

  const heard = inbound.find((one) => one.kind === "audio") ?? inbound[0];
  const seen = inbound.find((one) => one.frameWidth && one.frameHeight);
  const pair = selectedPair(entries, all);
  const local = entries.get(pair?.localCandidateId ?? "");
  const remote = entries.get(pair?.remoteCandidateId ?? "");
  return {
    counts,
    stats: {
      route: routeOf(local, remote),
      protocol: local?.relayProtocol ?? local?.protocol ?? null,
      roundTrip: pair?.currentRoundTripTime ?? null,
      jitter: heard?.jitter ?? null,
      loss: lossOf(entries, all, inbound),
      sending: rate("sent"),
      receiving: rate("received"),
      picture: seen
        ? {
            width: seen.frameWidth ?? 0,
            height: seen.frameHeight ?? 0,
            framesPerSecond: seen.framesPerSecond ?? 0,
          }
        : null,
      codecs: codecsOf(entries, [...outbound, ...inbound]),
    },
  };
}

type Count = "bytesSent" | "bytesReceived" | "packetsSent" | "packetsReceived" | "packetsLost";

function sum(list: Entry[], field: Count): number {
  return list.reduce((total, one) => total + (one[field] ?? 0), 0);
}

/** Of both ways. What was lost of what is sent, the server tells. */
function lossOf(entries: Map<string, Entry>, all: Entry[], inbound: Entry[]): number | null {
  const told = all.filter((one) => one.type === "remote-inbound-rtp");
  const sent = told.flatMap((one) => entries.get(one.localId ?? "") ?? []);
  const lost = Math.max(0, sum(inbound, "packetsLost")); // duplicates make it negative
  const total = sum(inbound, "packetsReceived") + lost + sum(sent, "packetsSent");
  return total > 0 ? (lost + Math.max(0, sum(told, "packetsLost"))) / total : null;
}

function selectedPair(entries: Map<string, Entry>, all: Entry[]): Entry | undefined {
  const transport = all.find((one) => one.type === "transport" && one.selectedCandidatePairId);
  const pairs = all.filter((one) => one.type === "candidate-pair");
  return (
    entries.get(transport?.selectedCandidatePairId ?? "") ??
    pairs.find((one) => one.selected) ??
    pairs.find((one) => one.nominated && one.state === "succeeded")
  );
}

/** A relay on either side makes the way a relayed one, and so on: the farthest counts. */
function routeOf(local: Entry | undefined, remote: Entry | undefined): StreamStats["route"] {
  const types = [local?.candidateType, remote?.candidateType];
  return (["relay", "srflx", "prflx", "host"] as const).find((one) => types.includes(one)) ?? null;
}

function codecsOf(entries: Map<string, Entry>, flows: Entry[]): string[] {
  const names = flows.map((one) => entries.get(one.codecId ?? "")?.mimeType?.split("/")[1]);
  return [...new Set(names.filter((name) => name !== undefined))];
}
