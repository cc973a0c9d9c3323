/** A summary of the browser's statistics. */

import type { StreamStats } from "./types";

/** Byte counts with their time, for bitrates. */
export interface Counts {
  at: number;
  sent: number;
  received: number;
}

/** The statistics of a link; the connection adds the latencies. */
export type LinkStats = Omit<StreamStats, "latency" | "latencyFromSpeech">;

/** An entry of a report, with the fields used here; browsers omit some. */
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
  /** In remote reports: the id of the local stream. */
  localId?: string;
  jitter?: number;
  frameWidth?: number;
  frameHeight?: number;
  framesPerSecond?: number;
}

/**
 * Summarize a report.
 *
 * @param report The result of `RTCPeerConnection.getStats`.
 * @param before The previous counts; null the first time.
 */
export function summarise(
  report: Iterable<[string, unknown]>,
  before: Counts | null,
): { stats: LinkStats; counts: Counts } {
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

/** Packet loss in both directions. The loss of sent packets is reported by the server. */
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

/** The route type: that of the more indirect candidate, such as a relay on either side. */
function routeOf(local: Entry | undefined, remote: Entry | undefined): StreamStats["route"] {
  const types = [local?.candidateType, remote?.candidateType];
  return (["relay", "srflx", "prflx", "host"] as const).find((one) => types.includes(one)) ?? null;
}

function codecsOf(entries: Map<string, Entry>, flows: Entry[]): string[] {
  const names = flows.map((one) => entries.get(one.codecId ?? "")?.mimeType?.split("/")[1]);
  return [...new Set(names.filter((name) => name !== undefined))];
}
