/** State of the conversation, from the server's messages and audio levels. No clock. */

import { SILENCE } from "./levels";

/**
 * - `listening`: neither side speaks.
 * - `heard`: the server has detected the user's speech.
 * - `thinking`: the user has paused; the reply is being generated.
 * - `speaking`: the reply is audible.
 * - `interrupted`: the user has interrupted the reply (barge-in).
 */
export type ConversationState = "listening" | "heard" | "thinking" | "speaking" | "interrupted";

/** The state, and the latency of the last reply. */
export interface ConversationSnapshot {
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

/** A reply that has started but is not audible within this time has no audio, in ms. */
const SILENT_ANSWER = 3000;

/** How much louder the user's speech is than background noise, in dB. */
const ABOVE_NOISE = 12;

/** Background noise is the lowest recent level; it may rise by this many dB per ms. */
const NOISE_RISE = 0.003;

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
        this.#enter(now - this.#lastAudible < STILL_AUDIBLE ? "interrupted" : "heard", now);
        break;
      case "interrupted":
        this.#forgetTurn();
        this.#enter("interrupted", now);
        break;
      case "pause_detected":
        this.#forgetTurn();
        this.#pausedAt = now;
        this.#enter("thinking", now);
        break;
      case "response_starting":
        this.#answeredAt = now;
        if (this.#state !== "speaking") this.#enter("thinking", now);
        break;
    }
  }

  /** Process an error of the handler: the user's current speech gets no reply. */
  fail(now: number): void {
    if (this.#state !== "heard" && this.#state !== "thinking") return;
    this.#forgetTurn();
    this.#enter("listening", now);
  }

  /** Process the current levels of both sides, in dB of full scale. */
  measure(local: number, remote: number, now: number): void {
    this.#listenToUser(local, now);
    if (remote > AUDIBLE) {
      this.#lastAudible = now;
      // Audio that is still playing after an interruption was in flight before it.
      if (this.#state === "thinking" || this.#state === "listening") this.#answerIsHeard(now);
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

  #answerIsHeard(now: number): void {
    if (this.#pausedAt !== null) {
      this.#latency = now - this.#pausedAt;
      const spoke = this.#lastSpeech;
      this.#latencyFromSpeech = spoke !== null && spoke <= this.#pausedAt ? now - spoke : null;
    }
    this.#forgetTurn();
    this.#enter("speaking", now);
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

  #enter(state: ConversationState, now: number): void {
    if (this.#state !== state) this.#since = now;
    this.#state = state;
  }
}
