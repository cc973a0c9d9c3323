/** Messages from the server: JSON objects with a `type`. */

import type { ServerMessage } from "./types";

/** Types that have their own event with a string as its detail. */
const TEXTS = [
  "log",
  "started_talking",
  "interrupted",
  "stopword",
  "end_stream",
  "update_connection",
  "error",
  "warning",
] as const;

/** An event for a message: its name and detail. */
export type ServerEvent =
  | { name: (typeof TEXTS)[number]; detail: string }
  | { name: "send_input" | "fetch_output"; detail: ServerMessage };

/** Return the fields of an object; none of other values. */
export function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** Parse a string from the data channel; all but JSON objects become messages of type "text". */
export function parseMessage(text: string): ServerMessage {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { type: "text", data: text };
  }
  const isMessage = typeof fieldsOf(value)["type"] === "string";
  return isMessage ? (value as ServerMessage) : { type: "text", data: value };
}

/** Return the event of a message; null for custom types. */
export function eventOf(message: ServerMessage): ServerEvent | null {
  if (message.type === "send_input" || message.type === "fetch_output") {
    return { name: message.type, detail: message };
  }
  const name = TEXTS.find((one) => one === message.type);
  return name ? { name, detail: textOf(message) } : null;
}

/** What a `conversation` message says: the server's state, and who decides about turns. */
export interface ServerConversation {
  state: string | null;
  manual: boolean;
}

/** Return what a `conversation` message says; null for others. */
export function conversationOf({ type, data }: ServerMessage): ServerConversation | null {
  if (type !== "conversation") return null;
  const { state, turn_detection } = fieldsOf(data);
  return {
    state: typeof state === "string" ? state : null,
    manual: turn_detection === "manual",
  };
}

/** The server's confirmation of each string that a page sends, which is ignored. */
export function isEcho(log: string): boolean {
  return log.startsWith("Server received:");
}

/** The text of an `error` or `warning` is in `message`; older servers send it in `data`. */
function textOf({ message, data }: ServerMessage): string {
  const said = message ?? data ?? "";
  return typeof said === "string" ? said : JSON.stringify(said);
}
