/** What is typed as JSON: messages, data of calls, metadata. No elements. */

/** A value, or what is wrong with it. */
export type Read<Value> = { value: Value } | { error: string };

/** Read any JSON; nothing is null. */
export function readJson(typed: string): Read<unknown> {
  const text = typed.trim();
  if (!text) return { value: null };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return { error: explain(text, error) };
  }
}

/** Read a JSON object; nothing is null. */
export function readObject(typed: string): Read<Record<string, unknown> | null> {
  const read = readJson(typed);
  if ("error" in read || read.value === null) return read as Read<null>;
  if (typeof read.value !== "object" || Array.isArray(read.value)) {
    return { error: 'A JSON object is needed, such as {"user": "Ada"}.' };
  }
  return { value: read.value as Record<string, unknown> };
}

function explain(text: string, error: unknown): string {
  if (/^[A-Za-z]/.test(text)) return `This is not JSON. A string has quotes: ${quoted(text)}`;
  if (text.includes("'") && !text.includes('"')) return "This is not JSON: it has double quotes.";
  const position = /position (\d+)/.exec(error instanceof Error ? error.message : "")?.[1];
  if (position === undefined) return "This is not complete JSON.";
  const before = text.slice(0, Number(position)).split("\n");
  return Number(position) >= text.length
    ? "This is not complete JSON."
    : `This is not JSON: look at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}.`;
}

function quoted(text: string): string {
  const short = text.length > 24 ? `${text.slice(0, 24)}…` : text;
  return JSON.stringify(short);
}

/** What was typed before, for the arrow keys. */
export class InputHistory {
  #past: string[] = [];
  #at: number | null = null;
  #draft = "";

  /** @param most The number of inputs that are kept. */
  constructor(private readonly most = 50) {}

  /** Keep an input that was sent. */
  push(input: string): void {
    this.#at = null;
    if (!input.trim()) return;
    this.#past = [...this.#past.filter((one) => one !== input), input].slice(-this.most);
  }

  /** Return the input before; null if there is none. The current one comes back with `down`. */
  up(current: string): string | null {
    const at = (this.#at ?? this.#past.length) - 1;
    if (at < 0) return null;
    if (this.#at === null) this.#draft = current;
    this.#at = at;
    return this.#past[at] ?? null;
  }

  /** Return the input after; null if there is none. */
  down(): string | null {
    if (this.#at === null) return null;
    const at = this.#at + 1;
    this.#at = at < this.#past.length ? at : null;
    return this.#past[at] ?? this.#draft;
  }
}
