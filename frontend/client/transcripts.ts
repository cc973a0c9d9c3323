/** What both sides have said, as text from the server's messages. No clock. */

import { fieldsOf } from "./messages";
import type { ServerMessage } from "./types";

/** The side that speaks: the user, or the assistant, which is the program. */
export type Speaker = "user" | "assistant";

/** What one side has said: a `Transcript` of the program. */
export interface Transcript {
  /** The same for all versions of a text; others have other keys. */
  key: number;
  /** Who has said it. */
  who: Speaker;
  /** The text; empty when the program has withdrawn it. */
  text: string;
  /** Whether it is complete; otherwise another version may follow. */
  final: boolean;
  /** The program's name of it, if any. */
  id: string | null;
  /** Whether the user has interrupted the reply while this was said. */
  interrupted: boolean;
}

/** Number of transcripts that are kept. */
const MOST = 100;

/** Number of characters that are kept of each. */
const LONGEST = 10_000;

/** The newest transcripts of a conversation. */
export class Transcripts {
  #list: Transcript[] = [];
  #keys = 0;
  /** The first key of the reply that is being played. */
  #reply = 0;
  /** The first key of the session: what is older has no new versions. */
  #session = 0;
  #id: string | null = null;
  readonly #changed: (transcript: Transcript) => void;

  /** @param changed Called with each new transcript and each new version. */
  constructor(changed: (transcript: Transcript) => void) {
    this.#changed = changed;
  }

  /** The transcripts, newest last. */
  get list(): readonly Transcript[] {
    return this.#list;
  }

  /** Process a message of the server; those that are not about transcripts are ignored. */
  receive({ type, data }: ServerMessage): void {
    if (type === "transcript") this.#take(data);
    else if (type === "log" && data === "response_starting") this.#reply = this.#keys;
    else if (type === "interrupted") this.#interrupt();
  }

  /** Follow the id of the connection: another session of the program has names of its own. */
  follow(id: string | null): void {
    if (id === this.#id) return;
    this.#id = id;
    this.#session = this.#reply = this.#keys;
  }

  /** Forget all, for a new conversation. */
  clear(): void {
    this.#list = [];
    this.#reply = this.#keys;
  }

  #take(data: unknown): void {
    const said = read(data);
    if (!said) return;
    const former = this.#former(said);
    if (!former && !said.text) return;
    const key = former?.key ?? this.#keys++;
    this.#put({ ...said, key, interrupted: former?.interrupted ?? false }, former);
  }

  /** The version that a text replaces. */
  #former({ who, id }: Said): Transcript | undefined {
    const own = this.#list.filter((one) => one.who === who && one.key >= this.#session);
    if (id !== null) return own.filter((one) => one.id === id).at(-1);
    const last = own.at(-1);
    return last && !last.final && last.id === null ? last : undefined;
  }

  #interrupt(): void {
    const last = this.#list.filter(({ who }) => who === "assistant").at(-1);
    if (last && last.key >= this.#reply && !last.interrupted) {
      this.#put({ ...last, final: true, interrupted: true }, last);
    }
    this.#reply = this.#keys;
  }

  #put(transcript: Transcript, former: Transcript | undefined): void {
    const kept = transcript.text ? [transcript] : [];
    if (former) this.#list = this.#list.flatMap((one) => (one === former ? kept : [one]));
    else this.#list = [...this.#list, ...kept].slice(-MOST);
    this.#changed(transcript);
  }
}

type Said = Omit<Transcript, "key" | "interrupted">;

/** Read the data of a message; null if it is no transcript. */
function read(data: unknown): Said | null {
  const { who, text, final, id } = fieldsOf(data);
  if ((who !== "user" && who !== "assistant") || typeof text !== "string") return null;
  return {
    who,
    text: text.trim().slice(0, LONGEST),
    final: final !== false,
    id: typeof id === "string" ? id : null,
  };
}
