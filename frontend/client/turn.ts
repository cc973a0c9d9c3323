/** The user's turn, where the client says when it begins and ends (push to talk). */

import type { TurnState } from "./types";

/**
 * Delay of `commit`, in ms: a message overtakes audio, which the server receives through a jitter
 * buffer.
 */
const TAIL = 150;

/** Sends the messages of a turn; the microphone is silent between two turns. */
export class Turn {
  #state: TurnState;
  #tail: ReturnType<typeof setTimeout> | undefined;
  readonly #send: (message: object, later?: "later") => boolean;
  readonly #changed: (state: TurnState) => void;

  /**
   * @param manual Whether the client decides about turns.
   * @param send Sends a message to the server, or keeps it until the session is resumed if that is
   *   `later`; returns whether that is possible.
   * @param changed Called when the state has changed.
   */
  constructor(
    manual: boolean,
    send: (message: object, later?: "later") => boolean,
    changed: (state: TurnState) => void,
  ) {
    this.#send = send;
    this.#changed = changed;
    this.#state = { manual, talking: false };
  }

  get state(): TurnState {
    return this.#state;
  }

  /** Whether the microphone is silent because it is not the user's turn. */
  get silent(): boolean {
    return this.#state.manual && !this.#state.talking;
  }

  /** Process the server's statement that the client decides about turns. */
  setManual(): void {
    this.#enter({ manual: true });
  }

  /** Begin a turn: what was said before is not part of it, and a reply is interrupted. */
  begin(): boolean {
    if (this.#state.talking) return true;
    this.#flush();
    if (!this.#send({ type: "begin" })) return false;
    this.#enter({ talking: true });
    return true;
  }

  /** End the turn and have it answered. */
  commit(): void {
    this.#enter({ talking: false });
    this.#tail ??= setTimeout(() => {
      this.#flush();
    }, TAIL);
  }

  /** End the turn and discard it, also just after `commit`. */
  cancel(): void {
    this.#forget();
    this.#enter({ talking: false });
    this.#send({ type: "cancel" }, "later");
  }

  /** Forget the turn, because its connection has ended. */
  reset(): void {
    this.#forget();
    this.#enter({ talking: false });
  }

  #flush(): void {
    if (this.#tail === undefined) return;
    this.#forget();
    this.#send({ type: "commit" }, "later");
  }

  #forget(): void {
    clearTimeout(this.#tail);
    this.#tail = undefined;
  }

  #enter(change: Partial<TurnState>): void {
    const before = this.#state;
    const now = { ...before, ...change };
    if (now.manual === before.manual && now.talking === before.talking) return;
    this.#state = now;
    this.#changed(now);
  }
}
