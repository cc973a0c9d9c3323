/** Calls between the page and the program, as messages of types `call` and `result`. */

import { FastRTCError } from "./errors";
import type { CallHandler, ServerMessage } from "./types";

/** How long to wait for a result, in ms. */
const TIMEOUT = 10_000;

/** Maximum size of a message, in bytes. */
const MAX_BYTES = 64 * 1024;

interface Pending {
  name: string;
  resolve: (data: unknown) => void;
  reject: (error: FastRTCError) => void;
  timer: ReturnType<typeof setTimeout>;
}

/** The functions of the page, and the calls that wait for their result. */
export class Calls {
  #functions = new Map<string, CallHandler>();
  #pending = new Map<string, Pending>();
  #count = 0;
  readonly #send: (message: object) => boolean;

  /** @param send Sends a message; returns false if there is no open channel. */
  constructor(send: (message: object) => boolean) {
    this.#send = send;
  }

  /** Set, replace or remove (null) the function of a name. */
  handle(name: string, handler: CallHandler | null): void {
    if (handler) this.#functions.set(name, handler);
    else this.#functions.delete(name);
  }

  /** Call a method of the program. */
  call(name: string, data: unknown, timeout = TIMEOUT): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = `page-${++this.#count}`;
      const message = { type: "call", id, name, data };
      if (isTooLarge(message)) {
        reject(failed(name, "The call has more than 64 KB."));
      } else if (!this.#send(message)) {
        reject(failed(name, "There is no connection."));
      } else {
        const timer = setTimeout(() => {
          this.#pending.delete(id);
          reject(failed(name, `There was no answer within ${timeout / 1000} s.`));
        }, timeout);
        this.#pending.set(id, { name, resolve, reject, timer });
      }
    });
  }

  /** Process a message of the server, if it is a call or a result. */
  receive(message: ServerMessage): void {
    const { type, id } = message;
    if (type === "call") void this.#answer(message);
    else if (type === "result" && typeof id === "string") this.#settle(id, message);
  }

  /** Reject all calls that wait: the connection is lost or has ended. */
  end(): void {
    for (const { name, reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(failed(name, "The connection has ended."));
    }
    this.#pending.clear();
  }

  #settle(id: string, message: ServerMessage): void {
    const pending = this.#pending.get(id);
    if (!pending) return; // late
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    if ("error" in message) pending.reject(failed(pending.name, textOf(message["error"])));
    else pending.resolve(message.data);
  }

  async #answer({ id, name, data }: ServerMessage): Promise<void> {
    const handler = typeof name === "string" ? this.#functions.get(name) : undefined;
    if (!handler) {
      this.#fail(id, `There is no function ${JSON.stringify(name)}`);
      return;
    }
    try {
      const result = { type: "result", id, data: (await handler(data as never)) ?? null };
      if (isTooLarge(result)) this.#fail(id, "The result has more than 64 KB");
      else this.#send(result);
    } catch (error) {
      this.#fail(id, error instanceof Error ? error.message || error.name : String(error));
    }
  }

  #fail(id: unknown, error: string): void {
    this.#send({ type: "result", id, error });
  }
}

function isTooLarge(message: object): boolean {
  return new TextEncoder().encode(JSON.stringify(message)).length > MAX_BYTES;
}

function textOf(error: unknown): string {
  return typeof error === "string" ? error : JSON.stringify(error);
}

function failed(name: string, reason: string): FastRTCError {
  return new FastRTCError("call_failed", `${name}: ${reason}`, { name, reason });
}
