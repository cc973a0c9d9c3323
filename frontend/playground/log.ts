/** The messages in both directions, and what happens to the connection. No elements, no clock. */

import type { ServerMessage } from "@fastrtc/client";
import { messageText } from "../view/messages";

/** A message that was sent or received, or an event of the connection. */
export type Way = "sent" | "received" | "event";

/** A line of the log. */
export interface Entry {
  /** Rises with each entry. */
  key: number;
  /** Milliseconds since 1970. */
  at: number;
  way: Way;
  /** The type of the message, or the name of the event. */
  type: string;
  /** The rest, as one line. */
  text: string;
  /** The message; undefined for events. */
  body: unknown;
  tone: "plain" | "bad" | "quiet";
  /** How long the other side took to answer this call, in ms; null if it is none, or waits. */
  took: number | null;
}

/** Which entries are shown. */
export interface Filter {
  way: Way | "all";
  /** What the type or the text contains, in any case. */
  search: string;
}

/** Messages that the client and the server exchange by themselves. */
const QUIET = ["turns", "heard", "report_heard", "conversation", "log"];

/** The server's confirmation of each message, which repeats it. */
const CONFIRMS = "Server received:";

/** Number of entries that are kept. */
const MOST = 500;

/** The newest entries. */
export class Log {
  #entries: Entry[] = [];
  #keys = 0;
  /** The entries of calls without a result, by direction and id. */
  #calls = new Map<string, Entry>();
  #counts: Record<Way, number> = { sent: 0, received: 0, event: 0 };

  /** How many there were of each kind. */
  get counts(): Readonly<Record<Way, number>> {
    return this.#counts;
  }

  /** Add a message that was sent. */
  sent(message: unknown, at: number): Entry {
    return this.#message("sent", message, at);
  }

  /** Add a message that was received; null for the confirmation of one that was sent. */
  received(message: ServerMessage, at: number): Entry | null {
    const { type, data } = message;
    const confirms = type === "log" && typeof data === "string" && data.startsWith(CONFIRMS);
    return confirms ? null : this.#message("received", message, at);
  }

  /** Add what has happened to the connection. */
  event(type: string, text: string, at: number, tone: Entry["tone"] = "plain"): Entry {
    return this.#add({ at, way: "event", type, text, body: undefined, tone, took: null });
  }

  /** The entries that pass a filter, newest last. */
  list({ way, search }: Filter): readonly Entry[] {
    const wanted = search.trim().toLowerCase();
    return this.#entries.filter(
      (one) =>
        (way === "all" || one.way === way) &&
        (!wanted || `${one.type} ${one.text}`.toLowerCase().includes(wanted)),
    );
  }

  /** Forget all. */
  clear(): void {
    this.#entries = [];
    this.#calls.clear();
    this.#counts = { sent: 0, received: 0, event: 0 };
  }

  #message(way: "sent" | "received", message: unknown, at: number): Entry {
    const { type, id, name, error } = fieldsOf(message);
    const kind = typeof type === "string" ? type : "text";
    const failed = kind === "error" || (kind === "result" && error !== undefined);
    const entry = this.#add({
      at,
      way,
      type: kind,
      text: textOf(message, kind, name),
      body: message,
      tone: failed ? "bad" : QUIET.includes(kind) ? "quiet" : "plain",
      took: null,
    });
    if (typeof id !== "string") return entry;
    const other = way === "sent" ? "received" : "sent";
    if (kind === "call") this.#calls.set(`${way} ${id}`, entry);
    if (kind === "result") {
      const call = this.#calls.get(`${other} ${id}`);
      this.#calls.delete(`${other} ${id}`);
      if (call) entry.took = call.took = at - call.at;
    }
    return entry;
  }

  /** A call that is not shown any more needs no result. */
  #forget(entry: Entry | undefined): void {
    if (entry?.type !== "call") return;
    for (const [key, call] of this.#calls) if (call === entry) this.#calls.delete(key);
  }

  #add(entry: Omit<Entry, "key">): Entry {
    const added = { ...entry, key: ++this.#keys };
    this.#entries.push(added);
    if (this.#entries.length > MOST) this.#forget(this.#entries.shift());
    this.#counts[entry.way] += 1;
    return added;
  }
}

function fieldsOf(message: unknown): Record<string, unknown> {
  return typeof message === "object" && message !== null
    ? (message as Record<string, unknown>)
    : {};
}

/** The content of a message as one line, without its type. */
function textOf(message: unknown, type: string, name: unknown): string {
  const { data } = fieldsOf(message);
  const { who, text: said, state, kind, number, outcome } = fieldsOf(data);
  if (type === "transcript" && typeof who === "string" && typeof said === "string") {
    return `${who}: ${said}`;
  }
  if (type === "turn" && typeof kind === "string" && typeof number === "number") {
    return `${number}, ${kind}: ${typeof outcome === "string" ? outcome : "going on"}`;
  }
  if (type === "conversation" && typeof state === "string") return state;
  const line = messageText(message);
  const text = line.startsWith(`${type}: `) ? line.slice(type.length + 2) : line;
  if (type !== "call" || typeof name !== "string") return text === type ? "" : text;
  return `${name}(${data === null || data === undefined ? "" : JSON.stringify(data)})`;
}

/** "14:03:07.412". */
export function timeText(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, "0");
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  return `${clock}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}
