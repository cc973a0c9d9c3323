/** The parts of a turn, and the words for them. No elements. */

import type { TurnRecord } from "@fastrtc/client";

/** The parts of a turn, in the order of time. */
export type PartName =
  "speech" | "end_of_turn" | "handler" | "first_audio" | "playout" | "heard" | "reply";

/** A part: its name, its duration in seconds, and the words for it. */
export interface Part {
  name: PartName;
  seconds: number;
  label: string;
  /** What happens in it. */
  meaning: string;
}

/** Parts that are shorter are left out, in seconds. */
const SHORTEST = 0.001;

/** What a page that does not get the program's records knows of the time until the answer. */
const ANSWER = { label: "Answer", meaning: "From the end of the turn to the first sound" };

/** The words for each part of the silence, and for what is around it. */
const WORDS: Record<PartName, { label: string; meaning: string }> = {
  speech: { label: "Speech", meaning: "What the user has said" },
  end_of_turn: { label: "End of turn", meaning: "The pause until the turn counted as over" },
  handler: { label: "Handler", meaning: "From the end of the turn to the call of the function" },
  first_audio: { label: "First audio", meaning: "Until the function has yielded the first audio" },
  playout: { label: "Playout", meaning: "From the first audio until it was sent" },
  heard: { label: "Network", meaning: "On the way, until it was heard" },
  reply: { label: "Reply", meaning: "What was played" },
};

const ENDED_BY: Record<NonNullable<TurnRecord["endedBy"]>, string> = {
  pause: "a pause",
  model: "the turn model",
  stop_word: "a stop word",
  manual: "the user",
  maximum: "the maximum length",
  program: "the program",
};

const KINDS: Record<TurnRecord["kind"], string> = {
  reply: "Turn",
  say: "Said by the program",
  start_up: "Greeting",
  audio: "Audio",
};

/** The silence that the user heard, in seconds; null if it is not known. */
export function silenceOf(turn: TurnRecord): number | null {
  const end = turn.firstHeard ?? turn.firstSent;
  if (turn.speechEnded === null || end === null) return null;
  return Math.max(0, end - turn.speechEnded);
}

/** How many times the median the scale is at most. */
const MAX_MEDIANS = 5;

/** The scale for durations in seconds: the longest, unless that would make the usual ones tiny. */
export function scaleOf(durations: readonly number[]): number {
  const sorted = [...durations].sort((one, other) => one - other);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return Math.min(sorted.at(-1) ?? 0, MAX_MEDIANS * median);
}

/**
 * Return the longest that a part may be drawn, so that all together have at most a length: those
 * that are longer are drawn equally long, and the others to scale. Infinity if there is room.
 */
export function cutOf(durations: readonly number[], room: number): number {
  const sorted = [...durations].sort((one, other) => one - other);
  for (const [index, duration] of sorted.entries()) {
    const share = room / (sorted.length - index);
    if (duration > share) return share;
    room -= duration;
  }
  return Infinity;
}

/** The parts that are known: their sum, without speech and reply, is the silence. */
export function partsOf(turn: TurnRecord): Part[] {
  const parts: Part[] = [];
  const add = (name: PartName, seconds: number, words = WORDS[name]): void => {
    if (seconds >= SHORTEST) parts.push({ name, seconds, ...words });
  };
  const { speechBegan, speechEnded } = turn;
  if (speechBegan !== null)
    add("speech", (speechEnded ?? turn.turnEnded ?? speechBegan) - speechBegan);
  if (speechEnded !== null) {
    const failed = turn.outcome === "failed" ? turn.functionEnded : null;
    const end = turn.firstHeard ?? turn.firstSent ?? Infinity;
    const steps: [PartName, number | null][] = [
      ["end_of_turn", turn.turnEnded],
      ["handler", turn.functionCalled],
      ["first_audio", turn.firstAudio ?? failed],
      ["playout", turn.firstSent],
      ["heard", turn.firstHeard],
    ];
    // An early reply has steps before the turn has ended. What is not known is part of the next.
    let from = speechEnded;
    for (const [name, time] of steps) {
      if (time === null) continue;
      const until = Math.min(Math.max(from, time), end);
      if (turn.source === "page" && name === "heard") add("first_audio", until - from, ANSWER);
      else add(name, until - from);
      from = until;
    }
  }
  const played = playedOf(turn);
  if (played !== null) add("reply", played);
  return parts;
}

/** The length of the reply, in seconds. */
function playedOf(turn: TurnRecord): number | null {
  if (turn.played !== null) return turn.played;
  const began = turn.firstHeard ?? turn.firstSent;
  const ended = turn.interrupted ?? turn.lastSent;
  return began === null || ended === null ? null : Math.max(0, ended - began);
}

/** "3 ms", "0.31 s", "12.4 s", "1:05 min". */
export function durationText(seconds: number): string {
  if (seconds < 0.0095) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")} min`;
}

/** The name of a turn: "Turn 3", "Greeting". */
export function nameOf({ kind, number }: TurnRecord): string {
  return kind === "reply" ? `${KINDS[kind]} ${number}` : KINDS[kind];
}

/** How a turn went, as a phrase: "answered after 0.91 s, interrupted after 1.20 s". */
export function outcomeOf(turn: TurnRecord): string {
  const silence = silenceOf(turn);
  const phrases: string[] = [];
  if (silence !== null) {
    const about = turn.source === "page" ? "about " : "";
    phrases.push(`answered after ${about}${durationText(silence)}`);
  }
  if (turn.endedBy !== null) phrases.push(`ended by ${ENDED_BY[turn.endedBy]}`);
  if (turn.outcome === "interrupted") {
    const played = playedOf(turn);
    phrases.push(played === null ? "interrupted" : `interrupted after ${durationText(played)}`);
  }
  if (turn.outcome === "failed") phrases.push(turn.error ? `failed: ${turn.error}` : "failed");
  if (turn.outcome === null) phrases.push("going on");
  if (turn.outcome === "completed" && silence === null && turn.kind === "reply" && !turn.firstHeard)
    phrases.push("no answer");
  return phrases.join(", ");
}

/** A turn in one sentence, for screen readers. */
export function sentenceOf(turn: TurnRecord): string {
  const parts = partsOf(turn).map(({ label, seconds }) => `${label} ${durationText(seconds)}`);
  const outcome = outcomeOf(turn);
  return `${nameOf(turn)}${outcome ? `: ${outcome}` : ""}. ${parts.join(", ")}`.trim();
}

/** A step for the marks of a scale of so many seconds: at most five marks beside that of zero. */
export function stepOf(seconds: number): number {
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500];
  return steps.find((step) => seconds / step <= 5) ?? 1000;
}
