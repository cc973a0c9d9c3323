/** Where a conversation stands, from what the server says and what is heard. No clock of its own. */

import { SILENCE } from "./levels";

/**
 * - `listening`: nobody speaks.
 * - `heard`: the server hears the user.
 * - `thinking`: the user has paused, the answer is being made.
 * - `speaking`: the answer is heard.
 * - `interrupted`: the user has cut the answer off.
 */
export type ConversationState = "listening" | "heard" | "thinking" | "speaking" | "interrupted";

/** The state, and how long the last answer took. */
export interface ConversationSnapshot {
  state: ConversationState;
  /** From the pause that the server found to the first sound of the answer, in ms. */
  latency: number | null;
  /** From the end of the user's speech to the first sound of the answer, in ms. */
  latencyFromSpeech: number | null;
}

/** What is louder than this is sound of the server's, in dB below full scale. */
const AUDIBLE = -50;

/** The server pauses between sentences; silence for longer ends its turn, in ms. */
const END_OF_ANSWER = 900;

/** Who speaks so soon after the last sound of the answer interrupts it, in ms. */
const STILL_AUDIBLE = 300;

/** How long `interrupted` is shown while the user goes on speaking, in ms. */
const INTERRUPTED_FOR = 1000;

/** An answer that has begun, but is not heard within so many ms, has no sound. */
const SILENT_ANSWER = 3000;

/** The user's speech stands out by so many dB from the noise of the room. */
const ABOVE_NOISE = 12;

/** The noise of the room is the quietest level of late: it may rise by so many dB in a ms. */
const NOISE_RISE = 0.003;

/** Follows a conversation: tell it what comes, with the time in ms; look at `snapshot`. */
export class Conversation {
  #state: ConversationState = "listening";
  #since = 0;
  #latency: number | null = null;
  #latencyFromSpeech: number | null = null;

  #pausedAt: number | null = null; // of the turn whose answer is awaited
  #answeredAt: number | null = null; // when the server said that it begins
  #lastAudible = -Infinity;
  #lastSpeech: number | null = null;
  #noise = 0;
  #lastMeasured: number | null = null;

  /** Where it stands. */
  get snapshot(): ConversationSnapshot {
    return {
      state: this.#state,
      latency: this.#latency,
      latencyFromSpeech: this.#latencyFromSpeech,
    };
  }

  /** The server logs something; texts that are not about turns are passed over. */
  log(what: string, now: number): void {
    switch (what) {
      case "started_talking":
        this.#forgetTurn();
        // Our server says "interrupted" right after; FastRTC 0.0.34 does not.
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

  /** The handler failed: what the user said, or still says, gets no answer. */
  fail(now: number): void {
    if (this.#state !== "heard" && this.#state !== "thinking") return;
    this.#forgetTurn();
    this.#enter("listening", now);
  }

  /** How loud it is now on both sides, in dB below full scale. */
  measure(local: number, remote: number, now: number): void {
    this.#listenToUser(local, now);
    if (remote > AUDIBLE) {
      this.#lastAudible = now;
      // What is still heard after an interruption was on its way before it.
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
    // After the pause it is no longer speech of this turn.
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
