/** Messages of the server: JSON texts with a `type`. */

import type { ServerMessage } from "./types";

/** Types that have an event of their own with a text as its detail. */
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

/** A message as the connection hands it on: the event's name and its detail. */
export type ServerEvent =
  | { name: (typeof TEXTS)[number]; detail: string }
  | { name: "send_input" | "fetch_output"; detail: ServerMessage };

/** Read a text of the data channel. What is no JSON object becomes a message of type "text". */
export function parseMessage(text: string): ServerMessage {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { type: "text", data: text };
  }
  const isMessage =
    typeof value === "object" &&
    value !== null &&
    typeof (value as ServerMessage).type === "string";
  return isMessage ? (value as ServerMessage) : { type: "text", data: value };
}

/** Which event of its own a message has; null for types that programs invent. */
export function eventOf(message: ServerMessage): ServerEvent | null {
  if (message.type === "send_input" || message.type === "fetch_output") {
    return { name: message.type, detail: message };
  }
  const name = TEXTS.find((one) => one === message.type);
  return name ? { name, detail: textOf(message) } : null;
}

/** The server's answer to each text that a page sends; nothing happens by it. */
export function isEcho(log: string): boolean {
  return log.startsWith("Server received:");
}

/** Texts of `error` and `warning` are in `message`; older servers have them in `data`. */
function textOf({ message, data }: ServerMessage): string {
  const said = message ?? data ?? "";
  return typeof said === "string" ? said : JSON.stringify(said);
}
