/** A button and a key to talk: hold them, or tap them to talk with free hands. */

import type { Connection } from "./connection";

/** A shorter press is a tap, in ms: it begins a turn, and the next one ends it. */
const TAP = 250;

/** A click follows the end of a press within this time, in ms. */
const CLICK = 100;

/** The part of a `Connection` that is needed to talk. */
export type TalkConnection = Pick<Connection, "begin" | "commit" | "cancel" | "turn" | "on">;

/** Options of `pushToTalk`. */
export interface PushToTalkOptions {
  /** The `KeyboardEvent.key` that does the same as the button anywhere on the page. */
  key?: string | null;
  /** Called when the way of talking changes: the button is held, was tapped, or neither. */
  changed?: (how: "held" | "tapped" | null) => void;
}

/** Decides what presses mean. No clock and no elements: pass it the time in ms. */
export class TalkKey {
  /** How the user talks, if at all. */
  how: "held" | "tapped" | null = null;
  #since = 0;
  readonly #connection: Pick<TalkConnection, "begin" | "commit" | "cancel">;

  constructor(connection: Pick<TalkConnection, "begin" | "commit" | "cancel">) {
    this.#connection = connection;
  }

  /** The button went down; a tap ends the turn that an earlier one has begun. */
  press(now: number): void {
    this.#since = now;
    if (this.how !== null) this.#commit();
    else if (this.#connection.begin()) this.how = "held";
  }

  /** The button went up. */
  release(now: number): void {
    if (this.how !== "held") return;
    if (now - this.#since < TAP) this.how = "tapped";
    else this.#commit();
  }

  /** The button went up where nobody saw it, as in another window. */
  lose(): void {
    if (this.how === "held") this.#commit();
  }

  /** Discard the turn; false if there is none. */
  cancel(): boolean {
    if (this.how === null) return false;
    this.how = null;
    this.#connection.cancel();
    return true;
  }

  /** The turn has ended elsewhere, for example with the connection. */
  end(): void {
    this.how = null;
  }

  #commit(): void {
    this.how = null;
    this.#connection.commit();
  }
}

/**
 * Make a button talk while it is held: with a pointer, a finger, the space bar or a screen reader.
 *
 * A short tap begins a turn and the next one ends it, for those who cannot hold a button. Escape
 * discards the turn. The key works anywhere on the page, except where it types or presses another
 * button. `aria-pressed` of the button follows.
 *
 * @returns A function that removes all listeners; a turn that has begun is discarded.
 */
export function pushToTalk(
  connection: TalkConnection,
  button: HTMLElement,
  { key = " ", changed = () => undefined }: PushToTalkOptions = {},
): () => void {
  const talk = new TalkKey(connection);
  const life = new AbortController();
  let told: TalkKey["how"] = null;
  let lifted = -Infinity; // when the pointer was; each is followed by a click
  let isKey = false;

  const tell = (): void => {
    button.setAttribute("aria-pressed", String(talk.how !== null));
    if (talk.how === told) return;
    told = talk.how;
    changed(told);
  };
  const listen = <Type extends keyof DocumentEventMap>(
    target: EventTarget,
    type: Type | "blur",
    listener: (event: DocumentEventMap[Type]) => void,
    capture = false,
  ): void => {
    const wrapped = (event: Event): void => {
      listener(event as DocumentEventMap[Type]);
      tell();
    };
    target.addEventListener(type, wrapped, { signal: life.signal, capture });
  };
  const isDisabled = (): boolean => button.matches(":disabled");

  listen(button, "pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary || isDisabled()) return;
    // The pointer may leave the button while it is held.
    button.setPointerCapture(event.pointerId);
    talk.press(event.timeStamp);
  });
  listen(button, "pointerup", (event) => {
    lifted = event.timeStamp;
    talk.release(event.timeStamp);
  });
  listen(button, "pointercancel", () => {
    talk.lose();
  });
  listen(button, "contextmenu", (event) => {
    event.preventDefault(); // a finger that is held would open it
  });
  listen(button, "click", (event) => {
    // A click without a pointer is that of the Enter key or of an assistive technology.
    if (event.timeStamp - lifted < CLICK) return;
    talk.press(event.timeStamp);
    talk.release(event.timeStamp);
  });
  listen(
    document,
    "keydown",
    (event) => {
      if (event.key === "Escape" && talk.cancel()) {
        event.stopPropagation();
        event.preventDefault();
      } else if (event.target === button && event.key === "Enter" && event.repeat) {
        event.preventDefault(); // each would be a click
      } else if (event.key === key && !event.defaultPrevented && reaches(event, button)) {
        event.preventDefault();
        if (event.repeat || isKey || isDisabled()) return;
        isKey = true;
        talk.press(event.timeStamp);
      }
    },
    true,
  );
  listen(
    document,
    "keyup",
    (event) => {
      if (event.key !== key || !isKey) return;
      isKey = false;
      event.preventDefault(); // it would be a click
      talk.release(event.timeStamp);
    },
    true,
  );
  listen(window, "blur", () => {
    isKey = false;
    talk.lose();
  });
  const forget = connection.on("turn", ({ talking }) => {
    if (!talking) talk.end();
    tell();
  });
  tell();
  return () => {
    life.abort();
    forget();
    talk.cancel();
    tell();
  };
}

/** Whether a key reaches the button: it neither types nor presses something else. */
function reaches(event: KeyboardEvent, button: HTMLElement): boolean {
  if (event.ctrlKey || event.altKey || event.metaKey) return false;
  const [target] = event.composedPath();
  if (!(target instanceof Element) || button.contains(target)) return true;
  if (target instanceof HTMLElement && target.isContentEditable) return false;
  return !target.closest(
    "input, textarea, select, button, summary, a[href], audio, video, [contenteditable], [role=button], [role=textbox], [role=slider], [role=tab], [role=checkbox], [role=radio], [role=option], [role=menuitem]",
  );
}
