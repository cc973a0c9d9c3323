/** A session that can be resumed: its secret, and the messages that the server may not have. */

import { fieldsOf } from "./messages";
import type { ResumeFields } from "./types";

/** How many messages are kept, and their total length in characters. */
const MAX_KEPT = 256;
const MAX_KEPT_LENGTH = 256 * 1024;

/** What a client asks for: nothing, a session that can be resumed, or to resume one. */
export type ResumeRequest = false | true | Resume;

/** A request to resume a session. */
export interface Resume {
  secret: string;
  /** How many messages of this session the client has received. */
  received: number;
  /**
   * What was played last on the lost connection: the RTP timestamp, or the number of samples of a
   * WebSocket; null if it is not known.
   */
  heard: number | null;
}

/** What the server grants. */
export interface ResumeGrant {
  secret: string;
  /** How long the server keeps the session after a loss, in ms. */
  keptFor: number;
  /** Whether the session has been resumed. */
  resumed: boolean;
  /** How many messages of this session the server has received; null if it does not say. */
  received: number | null;
}

/** Return the fields of a request. */
export function resumeFields(request: ResumeRequest): ResumeFields {
  if (request === false) return {};
  if (request === true) return { resume: true };
  const { secret, received, heard } = request;
  return { resume: secret, received, ...(heard !== null && { heard }) };
}

/** Return what an answer grants; null if nothing. */
export function readGrant(answer: unknown): ResumeGrant | null {
  const { secret, within_s, resumed, received } = fieldsOf(fieldsOf(answer)["resume"]);
  if (typeof secret !== "string" || typeof within_s !== "number") return null;
  return {
    secret,
    keptFor: within_s * 1000,
    resumed: resumed === true,
    received: typeof received === "number" ? received : null,
  };
}

/** A session of the client on the server, across its connections. */
export class ResumableSession {
  #secret: string;
  #keptFor: number;
  #received = 0;
  #sent = 0;
  /** The latest messages, with their number; those that were not sent yet are the last. */
  #kept: { number: number; text: string; sent: boolean }[] = [];
  #length = 0;

  constructor(
    readonly id: string,
    { secret, keptFor }: ResumeGrant,
  ) {
    this.#secret = secret;
    this.#keptFor = keptFor;
  }

  /** How long the server keeps it after a loss, in ms. */
  get keptFor(): number {
    return this.#keptFor;
  }

  /** Return the request to resume it; see `Resume` for what was heard. */
  request(heard: number | null): Resume {
    return { secret: this.#secret, received: this.#received, heard };
  }

  /** Use the secret of a newer answer. */
  renew({ secret, keptFor }: ResumeGrant): void {
    this.#secret = secret;
    this.#keptFor = keptFor;
  }

  /** Count a message of the server. */
  receive(): void {
    this.#received++;
  }

  /** Keep a message that was sent, or that is to be sent after the resume. */
  keep(text: string, sent: boolean): void {
    this.#kept.push({ number: this.#sent++, text, sent });
    this.#length += text.length;
    while (this.#kept.length > MAX_KEPT || this.#length > MAX_KEPT_LENGTH) {
      this.#length -= this.#kept.shift()?.text.length ?? 0;
    }
  }

  /**
   * Return the messages to send after a resume; they count as sent.
   *
   * @param received How many messages the server has received; null if it does not say.
   */
  resend(received: number | null): string[] {
    const missing = this.#kept.filter(({ number, sent }) =>
      received === null ? !sent : number >= received,
    );
    for (const one of missing) one.sent = true;
    return missing.map(({ text }) => text);
  }
}
