/** Decides when to try to reconnect, and whether to resume the session. No clock. */

import type { FastRTCError } from "./errors";
import { isPassing, type ReconnectPlan } from "./retry";

/** Delay before the second attempt to resume, in ms; doubled for each further one. */
const RESUME_BACK_OFF = 500;

/** Maximum delay between two attempts to resume, in ms, and to start a new session. */
const MAX_RESUME_WAIT = 3000;
const MAX_WAIT = 8000;

/**
 * How long the answer to the first attempt to resume may take, in ms, by how much more that of each
 * further one, and the most. A browser may send the first ones on connections to the server that
 * are lost, too.
 */
const RESUME_TIMEOUT = 2500;
const MORE_TIME = 1.5;
const MAX_RESUME_TIMEOUT = 10_000;

/** Minimum time between the starts of two attempts, however often the network changes, in ms. */
const MIN_INTERVAL = 500;

/** What to do next. */
export type Step =
  | { do: "wait"; milliseconds: number }
  /** `timeout` is the maximum duration of the attempt in ms; null is the default. */
  | { do: "resume" | "renew"; timeout: number | null }
  | { do: "give_up" };

/** What is known when the connection is lost. */
export interface Loss {
  /** The time, in ms. */
  now: number;
  /** How long the server keeps the session, in ms; null if it cannot be resumed. */
  keptFor: number | null;
  /** Whether a new session may follow if the session cannot be resumed. */
  renews: boolean;
}

/** The attempts after the loss of a connection, in order: to resume, then to start anew. */
export class ReconnectPolicy {
  /** Attempts so far. */
  attempts = 0;
  /** The error of the last attempt. */
  last: FastRTCError | null = null;
  #plan: ReconnectPlan;
  #random: () => number;
  #keptUntil: number | null;
  #renews: boolean;
  /** Attempts in this phase: to resume, or to start anew. */
  #tries = 0;
  #due: number;
  #startedAt = -Infinity;
  #over = false;

  /** @param random Returns numbers from 0 to 1, for the jitter. */
  constructor(plan: ReconnectPlan, { now, keptFor, renews }: Loss, random = Math.random) {
    this.#plan = plan;
    this.#random = random;
    this.#keptUntil = keptFor === null ? null : now + keptFor;
    this.#renews = renews;
    this.#due = now;
  }

  /** Return how much longer the server keeps the session, in ms; null if it is not kept. */
  keptFor(now: number): number | null {
    return this.#keptUntil === null ? null : Math.max(0, this.#keptUntil - now);
  }

  /** Return what to do now. An attempt has begun when it is returned. */
  step(now: number): Step {
    if (this.#keptUntil !== null && now >= this.#keptUntil) this.#forget(now);
    const resumes = this.#keptUntil !== null;
    if (this.#over || (!resumes && (!this.#renews || this.#tries >= this.#plan.tries))) {
      return { do: "give_up" };
    }
    if (now < this.#due) {
      const due = Math.min(this.#due, this.#keptUntil ?? Infinity);
      return { do: "wait", milliseconds: due - now };
    }
    this.#startedAt = now;
    this.attempts++;
    const before = this.#tries++;
    if (!resumes) return { do: "renew", timeout: null };
    const timeout = Math.min(MAX_RESUME_TIMEOUT, RESUME_TIMEOUT * MORE_TIME ** before);
    return { do: "resume", timeout };
  }

  /** Process the failure of the attempt. */
  failed(error: FastRTCError, now: number): void {
    this.last = error;
    if (error.code === "resume_refused") {
      this.#forget(now);
    } else if (!isPassing(error)) {
      this.#over = true;
    } else {
      this.#due = now + this.#wait();
    }
  }

  /** Try at once: the network may be back. */
  wake(now: number): void {
    this.#due = Math.min(this.#due, Math.max(now, this.#startedAt + MIN_INTERVAL));
  }

  /** Whether an attempt that is under way should be made anew on another network. */
  isStale(now: number): boolean {
    return now - this.#startedAt >= MIN_INTERVAL;
  }

  /** The session is gone; the next attempt is for a new one. */
  #forget(now: number): void {
    this.#keptUntil = null;
    this.#tries = 0;
    this.#due = now;
  }

  /** The delay after a failure: exponential, and up to half of it random. */
  #wait(): number {
    const [first, max] =
      this.#keptUntil === null
        ? [this.#plan.backOff, MAX_WAIT]
        : [RESUME_BACK_OFF, MAX_RESUME_WAIT];
    const longest = Math.min(max, first * 2 ** (this.#tries - 1));
    return longest * (1 - this.#random() / 2);
  }
}
