/** Listens to both sides of a connection, and follows the conversation by it. */

import { Conversation, type ConversationSnapshot } from "./conversation";
import { Levels, SILENCE } from "./levels";

/** How often it is looked how loud both sides are, in ms. Web Audio has no event for it. */
const INTERVAL = 50;

/** Meters and conversation of one connection, which has another conversation on each link. */
export class Hearing {
  readonly levels = Levels.open();
  #conversation = new Conversation();
  #told: ConversationSnapshot = this.#conversation.snapshot;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly changed: (snapshot: ConversationSnapshot) => void) {}

  get snapshot(): ConversationSnapshot {
    return this.#told;
  }

  /** Begin to measure on a new link: the server knows nothing of what was said before. */
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

  /** The server logs something. */
  log(text: string): void {
    this.#conversation.log(text, performance.now());
    this.#tell();
  }

  /** The handler failed. */
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
    this.changed(now);
  }
}
