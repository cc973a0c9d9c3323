/** Whether the program records the connection, from its messages. */

import { fieldsOf } from "./messages";
import type { ServerMessage } from "./types";

/** Follows the messages of type `recording`. */
export class RecordingState {
  /** The id of the connection that is recorded. */
  #id: string | null = null;
  readonly #changed: (active: boolean) => void;

  /** @param changed Called when it has changed. */
  constructor(changed: (active: boolean) => void) {
    this.#changed = changed;
  }

  get active(): boolean {
    return this.#id !== null;
  }

  /** Process a message of the connection with an id. */
  receive({ type, data }: ServerMessage, id: string | null): void {
    const { active } = fieldsOf(data);
    if (type === "recording" && typeof active === "boolean") this.#enter(active ? id : null);
  }

  /** Follow the connection: another one is not recorded before it says so. */
  follow(id: string | null): void {
    if (this.#id !== id) this.#enter(null);
  }

  #enter(id: string | null): void {
    const before = this.active;
    this.#id = id;
    if (before !== this.active) this.#changed(this.active);
  }
}
