/** The turns of a conversation: the program's records, or what the page knows itself. No clock. */

import type { ConversationSnapshot, ConversationState } from "./conversation";
import { fieldsOf } from "./messages";
import type { ServerMessage } from "./types";

/**
 * A turn: the user's speech and the reply, or a reply of the program's own accord.
 *
 * Times are in seconds on one clock; null is unknown, or has not happened (yet).
 */
export interface TurnRecord {
  /** 1 for the first turn of the conversation. */
  number: number;
  /** The program's record, or what the page has derived from messages and levels. */
  source: "program" | "page";
  /** `audio` is output of a handler that has no turns. */
  kind: "reply" | "say" | "start_up" | "audio";
  /** How it ended; null while it goes on. */
  outcome: "completed" | "interrupted" | "failed" | null;
  /** The onset of the user's speech. */
  speechBegan: number | null;
  /** The end of the user's speech. */
  speechEnded: number | null;
  /** When the user's turn counted as over. */
  turnEnded: number | null;
  /** Why the user's turn counted as over. */
  endedBy: "pause" | "model" | "stop_word" | "manual" | "maximum" | "program" | null;
  /** When the function of the handler was called. */
  functionCalled: number | null;
  /** When it yielded something for the first time. */
  firstOutput: number | null;
  /** When it yielded audio for the first time. */
  firstAudio: number | null;
  /** When it returned. */
  functionEnded: number | null;
  /** When the first audio of the reply was sent. */
  firstSent: number | null;
  /** When the first audio of the reply was played at the client. */
  firstHeard: number | null;
  /** When the last audio of the reply was sent. */
  lastSent: number | null;
  /** When the reply was interrupted. */
  interrupted: number | null;
  /** How much of the reply was played, in seconds. */
  played: number | null;
  /** The exception of a reply that failed. */
  error: string | null;
}

/** Number of turns that are kept. */
const MOST = 100;

const KINDS = ["reply", "say", "start_up", "audio"] as const;
const OUTCOMES = ["completed", "interrupted", "failed"] as const;
const ENDS = ["pause", "model", "stop_word", "manual", "maximum", "program"] as const;

const NOTHING = {
  outcome: null,
  speechBegan: null,
  speechEnded: null,
  turnEnded: null,
  endedBy: null,
  functionCalled: null,
  firstOutput: null,
  firstAudio: null,
  functionEnded: null,
  firstSent: null,
  firstHeard: null,
  lastSent: null,
  interrupted: null,
  played: null,
  error: null,
};

/** Read a `Turn` of the program, the data of a message of type `turn`; null if it is none. */
export function readTurn(data: unknown): TurnRecord | null {
  const fields = fieldsOf(data);
  const kind = oneOf(fields["kind"], KINDS);
  const number = seconds(fields["number"]);
  if (kind === null || number === null) return null;
  const times = Object.keys(NOTHING).map((name) => [name, seconds(fields[nameOfTime(name)])]);
  return {
    ...(Object.fromEntries(times) as typeof NOTHING),
    number,
    source: "program",
    kind,
    outcome: oneOf(fields["outcome"], OUTCOMES) ?? "completed",
    endedBy: oneOf(fields["ended_by"], ENDS),
    error: typeof fields["error"] === "string" ? fields["error"] : null,
  };
}

/** The program's name of a time: `speech_began_s` for `speechBegan`. */
function nameOfTime(name: string): string {
  return `${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}_s`;
}

function oneOf<Word extends string>(value: unknown, words: readonly Word[]): Word | null {
  return words.find((word) => word === value) ?? null;
}

function seconds(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** The newest turns of a conversation. */
export class TurnLog {
  #list: TurnRecord[] = [];
  #count = 0;
  #running: TurnRecord | null = null;
  #state: ConversationState = "listening";
  readonly #changed: (turn: TurnRecord) => void;

  /** @param changed Called with each new turn, and each time that more is known of one. */
  constructor(changed: (turn: TurnRecord) => void) {
    this.#changed = changed;
  }

  /** The turns, newest last. */
  get list(): readonly TurnRecord[] {
    return this.#list;
  }

  /** Process a message of the server; those that are no records are ignored. */
  receive({ type, data }: ServerMessage): void {
    const turn = type === "turn" ? readTurn(data) : null;
    if (!turn) return;
    const own = this.#ownRecord();
    if (own === this.#running) this.#running = null;
    const running = this.#running;
    if (own || !running) this.#put({ ...turn, number: own?.number ?? ++this.#count });
    else {
      // Of a turn that the page has not noticed, before the one that goes on.
      this.#put({ ...turn, number: running.number });
      this.#running = { ...running, number: ++this.#count };
      this.#put(this.#running);
    }
  }

  /** Process the state of the conversation; the time is in ms. */
  follow(snapshot: ConversationSnapshot, time: number): void {
    const { state } = snapshot;
    if (state === this.#state) return;
    const now = time / 1000;
    const before = this.#state;
    this.#state = state;
    switch (state) {
      case "heard":
        if (this.#running?.firstHeard != null) this.#end(now, "completed");
        if (!this.#running) this.#begin("reply", { speechBegan: now });
        else if (before === "thinking") this.#change({ turnEnded: null, speechEnded: null });
        break;
      case "waiting":
        this.#change({ speechEnded: now });
        break;
      case "thinking":
        if (this.#running?.firstHeard != null) this.#end(now, "completed");
        if (!this.#running) this.#begin("reply", {});
        this.#change({ turnEnded: now });
        break;
      case "speaking":
        this.#speak(snapshot, now);
        break;
      case "interrupted":
        this.#end(now, "interrupted");
        this.#begin("reply", { speechBegan: now });
        break;
      case "listening":
        this.#end(now, "completed");
        break;
    }
  }

  /** End the turn that goes on: the connection is lost or has ended; the time is in ms. */
  end(time: number): void {
    this.#end(time / 1000, "completed");
    this.#state = "listening";
  }

  /** Forget all, for a new conversation. */
  clear(): void {
    this.#list = [];
    this.#running = null;
    this.#count = 0;
    this.#state = "listening";
  }

  #speak({ latency, latencyFromSpeech }: ConversationSnapshot, now: number): void {
    if (!this.#running) this.#begin("audio", {});
    if (this.#running?.firstHeard != null) return; // it goes on after a pause
    const known = this.#running?.turnEnded != null;
    const change: Partial<TurnRecord> = { firstHeard: now };
    if (known && latency !== null) change.turnEnded = now - latency / 1000;
    if (known && latencyFromSpeech !== null) change.speechEnded = now - latencyFromSpeech / 1000;
    this.#change(change);
  }

  #begin(kind: TurnRecord["kind"], known: Partial<TurnRecord>): void {
    this.#running = { ...NOTHING, kind, source: "page", number: ++this.#count, ...known };
    this.#put(this.#running);
  }

  #change(change: Partial<TurnRecord>): void {
    if (!this.#running) return;
    this.#running = { ...this.#running, ...change };
    this.#put(this.#running);
  }

  #end(now: number, outcome: "completed" | "interrupted"): void {
    const turn = this.#running;
    if (!turn) return;
    const interrupted = outcome === "interrupted" ? now : null;
    this.#change({ outcome, interrupted, lastSent: turn.firstHeard === null ? null : now });
    this.#running = null;
  }

  /** The page's own record of the turn that a record of the program describes. */
  #ownRecord(): TurnRecord | null {
    if (this.#running?.firstHeard != null) return this.#running;
    const past = this.#list.filter((turn) => turn.number !== this.#running?.number);
    const last = past.at(-1);
    return last?.source === "page" ? last : null;
  }

  #put(turn: TurnRecord): void {
    const others = this.#list.filter(({ number }) => number !== turn.number);
    this.#list = [...others, turn].sort((a, b) => a.number - b.number).slice(-MOST);
    this.#changed(turn);
  }
}
