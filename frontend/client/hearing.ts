/** Measures the levels of both sides, and tracks the conversation. */

import { Conversation, type ConversationSnapshot } from "./conversation";
import { Levels, SILENCE } from "./levels";
import type { Environment } from "./types";

/** Interval of level measurements, in ms. Web Audio has no event for them. */
const INTERVAL = 50;

/** Meters and conversation of a connection, with a new conversation on each link. */
export class Hearing {
  readonly levels: Levels | null;
  #conversation = new Conversation();
  #told: ConversationSnapshot = this.#conversation.snapshot;
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #changed: (snapshot: ConversationSnapshot) => void;

  constructor(changed: (snapshot: ConversationSnapshot) => void, environment?: Environment) {
    this.#changed = changed;
    this.levels = Levels.open(environment);
  }

  get snapshot(): ConversationSnapshot {
    return this.#told;
  }

  /** Start measuring on a new link, whose conversation starts from the beginning. */
  begin(): void {
    this.#conversation = new Conversation();
    this.#tell();
    if (!this.levels) return;
    this.#timer ??= setInterval(() => {
      const { local, remote } = this.levels ?? {};
      const now = performance.now();
      this.#conversation.measure(local?.level() ?? SILENCE, remote?.level() ?? SILENCE, now);
      this.#tell();
    }, INTERVAL);
  }

  /** Process a log message of the server. */
  log(text: string): void {
    this.#conversation.log(text, performance.now());
    this.#tell();
  }

  /** Process the server's own state of the conversation. */
  report(state: string): void {
    this.#conversation.report(state, performance.now());
    this.#tell();
  }

  /** Process an error of the handler. */
  fail(): void {
    this.#conversation.fail(performance.now());
    this.#tell();
  }

  /** Release everything. */
  close(): void {
    clearInterval(this.#timer);
    this.levels?.close();
  }

  #tell(): void {
    const now = this.#conversation.snapshot;
    const { state, latency } = this.#told;
    if (now.state === state && now.latency === latency) return;
    this.#told = now;
    this.#changed(now);
  }
}
