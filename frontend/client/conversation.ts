/** State of the conversation, from the server's messages and audio levels. No clock. */

import { SILENCE } from "./levels";

/**
 * - `listening`: neither side speaks.
 * - `heard`: the server has detected the user's speech.
 * - `waiting`: the user is silent, but does not seem to have finished.
 * - `thinking`: the user has paused; the reply is being generated.
 * - `speaking`: the reply is audible.
 * - `paused`: the user speaks during the reply, and may want to interrupt it.
 * - `resumed`: the reply goes on, because it was no interruption; `speaking` follows.
 * - `interrupted`: the user has interrupted the reply (barge-in).
 *
 * `waiting`, `paused` and `resumed` occur only if the server reports its own states.
 */
export type ConversationState =
  | "listening"
  | "heard"
  | "waiting"
  | "thinking"
  | "speaking"
  | "paused"
  | "resumed"
  | "interrupted";

/** The state, and the latency of the last reply. */
export interface ConversationSnapshot {
  /** Who speaks, or is about to. */
  state: ConversationState;
  /** From the server's end-of-turn detection to the first audio of the reply, in ms. */
  latency: number | null;
  /** From the end of the user's speech to the first audio of the reply, in ms. */
  latencyFromSpeech: number | null;
}

/** Level above which the server's audio counts as sound, in dB of full scale. */
const AUDIBLE = -50;

/** Silence of the server that ends its turn, in ms; it also pauses between sentences. */
const END_OF_ANSWER = 900;

/** The user's speech this soon after the last audio of a reply interrupts it, in ms. */
const STILL_AUDIBLE = 300;

/** How long the state is `interrupted` while the user keeps speaking, in ms. */
const INTERRUPTED_FOR = 1000;

/** How long the state is `resumed` while the reply goes on, in ms. */
const RESUMED_FOR = 1500;

/** The states that a server reports, by its names. */
const REPORTED: Record<string, ConversationState | undefined> = {
  listening: "listening",
  user_speaking: "heard",
  end_of_turn_pending: "waiting",
  thinking: "thinking",
  speaking: "speaking",
  interruption_pending: "paused",
};

/** A reply that has started but is not audible within this time has no audio, in ms. */
const SILENT_ANSWER = 3000;

/** How much louder the user's speech is than background noise, in dB. */
const ABOVE_NOISE = 12;

/** Background noise is the lowest recent level; it may rise by this many dB per ms. */
const NOISE_RISE = 0.003;

function isReplying(state: ConversationState | null): boolean {
  return state === "speaking" || state === "paused";
}

/** Tracks a conversation: pass it events with the time in ms, and read `snapshot`. */
export class Conversation {
  #state: ConversationState = "listening";
  #since = 0;
  #latency: number | null = null;
  #latencyFromSpeech: number | null = null;
  #pausedAt: number | null = null; // the turn that waits for a reply
  #answeredAt: number | null = null; // when the server announced it
  #lastAudible = -Infinity;
  #lastSpeech: number | null = null;
  #noise = 0;
  #lastMeasured: number | null = null;
  /** The state that the server reported last; without one, it is derived from levels. */
  #reported: ConversationState | null = null;

  /** The current state. */
  get snapshot(): ConversationSnapshot {
    return {
      state: this.#state,
      latency: this.#latency,
      latencyFromSpeech: this.#latencyFromSpeech,
    };
  }

  /** Process a log message of the server; those that are not about turns are ignored. */
  log(what: string, now: number): void {
    switch (what) {
      case "started_talking":
        this.#forgetTurn();
        // fastrtc sends "interrupted" right after this; FastRTC 0.0.34 does not.
        this.#derive(now - this.#lastAudible < STILL_AUDIBLE ? "interrupted" : "heard", now);
        break;
      case "interrupted":
        this.#forgetTurn();
        this.#enter("interrupted", now);
        break;
      case "pause_detected":
        this.#forgetTurn();
        this.#pausedAt = now;
        this.#derive("thinking", now);
        break;
      case "response_starting":
        this.#answeredAt = now;
        if (this.#state !== "speaking") this.#derive("thinking", now);
        break;
    }
  }

  /** Process the server's own state; unknown ones are ignored. */
  report(name: string, now: number): void {
    const state = REPORTED[name];
    if (state === undefined) return;
    const before = this.#reported;
    this.#reported = state;
    // "interrupted" and "resumed" are shown for a while, unless there is something new.
    if (this.#state === "interrupted" && state === "heard") return;
    if (this.#state === "resumed" && state === "speaking") return;
    if (before === "paused" && state === "speaking") this.#enter("resumed", now);
    else if (isReplying(before) && state === "heard") this.#enter("interrupted", now);
    else this.#enter(state, now);
  }

  /** Process an error of the handler: the user's current speech gets no reply. */
  fail(now: number): void {
    if (this.#state !== "heard" && this.#state !== "thinking") return;
    this.#forgetTurn();
    this.#derive("listening", now);
  }

  /** Process the current levels of both sides, in dB of full scale. */
  measure(local: number, remote: number, now: number): void {
    this.#listenToUser(local, now);
    if (remote > AUDIBLE) this.#lastAudible = now;
    if (this.#reported) this.#measureReported(remote, this.#reported, now);
    else this.#measureDerived(remote, now);
  }

  #measureReported(remote: number, reported: ConversationState, now: number): void {
    // Other audio, such as a sound while thinking, is not the reply.
    if (remote > AUDIBLE && reported === "speaking") this.#measureLatency(now);
    const shown = now - this.#since;
    const ends =
      (this.#state === "interrupted" && shown > INTERRUPTED_FOR) ||
      (this.#state === "resumed" && shown > RESUMED_FOR);
    if (ends) this.#enter(reported, now);
  }

  #measureDerived(remote: number, now: number): void {
    if (remote > AUDIBLE) {
      // Audio that is still playing after an interruption was in flight before it.
      if (this.#state === "thinking" || this.#state === "listening") {
        this.#measureLatency(now);
        this.#enter("speaking", now);
      }
    } else if (this.#state === "speaking" && now - this.#lastAudible > END_OF_ANSWER) {
      this.#enter("listening", now);
    }
    if (this.#state === "interrupted" && now - this.#since > INTERRUPTED_FOR) {
      this.#enter("heard", now);
    }
    if (
      this.#state === "thinking" &&
      this.#answeredAt !== null &&
      now - this.#answeredAt > SILENT_ANSWER
    ) {
      this.#forgetTurn();
      this.#enter("listening", now);
    }
  }

  #measureLatency(now: number): void {
    if (this.#pausedAt !== null) {
      this.#latency = now - this.#pausedAt;
      const spoke = this.#lastSpeech;
      this.#latencyFromSpeech = spoke !== null && spoke <= this.#pausedAt ? now - spoke : null;
    }
    this.#forgetTurn();
  }

  #listenToUser(level: number, now: number): void {
    const elapsed = this.#lastMeasured === null ? 0 : now - this.#lastMeasured;
    this.#lastMeasured = now;
    this.#noise = Math.max(SILENCE, Math.min(level, this.#noise + elapsed * NOISE_RISE));
    // Speech after the pause is not part of this turn.
    if (this.#pausedAt === null && level > this.#noise + ABOVE_NOISE) this.#lastSpeech = now;
  }

  #forgetTurn(): void {
    this.#pausedAt = this.#answeredAt = null;
  }

  /** Enter a state that follows from messages and levels, unless the server reports its own. */
  #derive(state: ConversationState, now: number): void {
    if (!this.#reported) this.#enter(state, now);
  }

  #enter(state: ConversationState, now: number): void {
    if (this.#state !== state) this.#since = now;
    this.#state = state;
  }
}
