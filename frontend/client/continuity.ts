/** Keeps a session across its connections: what is lost, resumed, or started anew. */

import type { AnyLink, AttemptOptions } from "./connector";
import type { FastRTCError } from "./errors";
import { ReconnectPolicy } from "./reconnection";
import { recover } from "./recovery";
import { ResumableSession, type ResumeRequest } from "./resumption";
import { reconnectPlan } from "./retry";
import { endError, lostError, lostLinkError } from "./sentences";
import type { ConnectionOptions, Reconnecting } from "./types";
import { pause } from "./wake";

/** An attempt to resume may still replace a link that has returned for so long, in ms. */
const REPLACES_WITHIN = 15_000;

/** The connection whose session it is. */
export interface ContinuityHost {
  /** Aborted when the connection is over. */
  readonly signal: AbortSignal;
  /** Makes an attempt; `follow` is called with each link of it. */
  connect: (attempt: AttemptOptions) => Promise<void>;
  /** Called when a new session begins. */
  restart: () => void;
  /** Called with each message of the server, once. */
  read: (text: string) => void;
  lost: () => void;
  /** Called with the progress of a reconnect. */
  reconnecting: (progress: Reconnecting) => void;
  /** Called when connected; with whether the same session goes on. */
  connected: (resumed: boolean) => void;
  /** Called when it has ended: `stopped` by the server, or `failed`. */
  ended: (state: "stopped" | "failed", error: FastRTCError) => void;
}

/** A link that was lost. */
interface Former {
  link: AnyLink;
  /** Its messages since an attempt to resume began: the server sends them again if it succeeds. */
  held: string[] | null;
}

/** The links of one connection, one at a time. */
export class Continuity {
  /** The link in use, or of the last attempt. */
  link: AnyLink | null = null;
  /** The id of the last attempt. */
  id: string | null = null;
  /** The session on the server, if it can be resumed. */
  #session: ResumableSession | null = null;
  /** The link whose answer is that of the session. */
  #adopted: AnyLink | null = null;
  #former: Former | null = null;
  #grace: AbortController | null = null;
  #lostAt: number | null = null;
  #returnedAt = -Infinity;
  #wasReplaced = false;
  #attempt = { attempt: 0, resumes: false };
  readonly #options: ConnectionOptions;
  readonly #host: ContinuityHost;

  constructor(options: ConnectionOptions, host: ContinuityHost) {
    this.#options = options;
    this.#host = host;
  }

  /** Whether the session can be resumed when its connection is lost. */
  get resumable(): boolean {
    return this.#session !== null;
  }

  /** The progress of a reconnect; null if there is none. */
  get reconnecting(): Reconnecting | null {
    if (this.#lostAt === null) return null;
    const elapsed = performance.now() - this.#lostAt;
    const timeLeft = this.#session ? Math.max(0, this.#session.keptFor - elapsed) : null;
    return { ...this.#attempt, timeLeft };
  }

  /** Connect with a new session. */
  async start(
    id: ConnectionOptions["id"],
    signal: AbortSignal,
    timeout: number | null = null,
  ): Promise<void> {
    this.#session = null;
    const { resume = true, reconnect } = this.#options;
    const asks = resume && reconnect !== false;
    await this.#host.connect({ id, signal, timeout, resume: () => asks });
    this.#established();
  }

  /** Send a string; false if there is no open channel. */
  send(text: string): boolean {
    if (!this.link?.send(text)) return false;
    this.#session?.keep(text, true);
    return true;
  }

  /** Keep a string until the session is resumed; false if it cannot be. */
  keep(text: string): boolean {
    if (this.#lostAt === null || !this.#session) return false;
    this.#session.keep(text, false);
    return true;
  }

  /** Use the link of an attempt. */
  follow(link: AnyLink): void {
    this.#noteSecret();
    this.link = link;
    if (!this.#session) this.#host.restart();
    link.on("open", () => {
      if (link !== this.link) return;
      this.#adopt(link);
      if (link.grant?.resumed) this.#resend(link, link.grant.received);
    });
    link.on("text", (text) => {
      this.#receive(link, text);
    });
    link.on("disconnected", () => {
      if (link !== this.link || this.#former) return;
      this.#lose();
      void this.#waitForReturn(link);
    });
    link.on("returned", () => {
      if (link !== this.link || this.#former) return;
      this.#grace?.abort();
      this.#connected(true);
    });
    link.on("closed", (error) => {
      if (link !== this.link) return;
      this.#grace?.abort();
      // A session that the server ends is told so with an `end_stream`; the close codes of a
      // WebSocket say it, too.
      const mayBeKept = link.peer !== null && this.#session !== null;
      if (error.code === "connection_lost" || mayBeKept) void this.#reconnect(error);
      else this.#host.ended("stopped", error);
    });
  }

  /**
   * Process the server's statement that another connection of the session has replaced this one.
   *
   * @returns False if that is a client elsewhere; otherwise it may be an attempt of this one.
   */
  replaced(): boolean {
    const mayBeOurs =
      this.#former !== null || performance.now() - this.#returnedAt < REPLACES_WITHIN;
    if (!this.#session || !mayBeOurs) return false;
    this.#wasReplaced = true; // so nothing new is started if the session cannot be resumed
    if (!this.#former) void this.#reconnect(endError("", "replaced"));
    return true;
  }

  /** Close all links. */
  close(): void {
    this.#grace?.abort();
    this.link?.close();
    this.#former?.link.close();
  }

  #established(): void {
    const { link } = this;
    if (this.#host.signal.aborted || !link) return;
    const resumes = this.#session !== null;
    this.#adopt(link);
    const resumed = link.grant?.resumed === true;
    if (resumes && !resumed) this.#host.restart();
    this.#former?.link.close();
    this.#former = null;
    this.#wasReplaced = false;
    this.#connected(resumed);
  }

  #connected(resumed: boolean): void {
    this.#lostAt = null;
    this.#host.connected(resumed);
  }

  /** Use the answer of a link, which is about to connect or to send messages, for the session. */
  #adopt(link: AnyLink): void {
    if (this.#adopted === link) return;
    this.#adopted = link;
    const { grant } = link;
    if (!grant) this.#session = null;
    else if (grant.resumed && this.#session) this.#session.renew(grant);
    else this.#session = new ResumableSession(this.id ?? "", grant);
  }

  /** Keep the secret of an attempt that has failed since: it is the newest. */
  #noteSecret(): void {
    if (this.link?.grant?.resumed) this.#session?.renew(this.link.grant);
  }

  #receive(link: AnyLink, text: string): void {
    const former = this.#former;
    if (former?.link === link) {
      if (former.held) former.held.push(text);
      else this.#read(text);
    } else if (link === this.link) {
      this.#adopt(link);
      this.#read(text);
    }
  }

  #read(text: string): void {
    this.#session?.receive();
    this.#host.read(text);
  }

  /** Process the messages that a link has received meanwhile. */
  #release(former: Former): void {
    const { held } = former;
    former.held = null;
    for (const text of held ?? []) this.#read(text);
  }

  #resend(link: AnyLink, received: number | null): void {
    for (const text of this.#session?.resend(received) ?? []) link.send(text);
  }

  #lose(): void {
    this.#lostAt = performance.now();
    this.#host.lost();
    this.#progress(0, this.resumable);
  }

  #progress(attempt: number, resumes: boolean): void {
    this.#attempt = { attempt, resumes };
    const { reconnecting } = this;
    if (reconnecting) this.#host.reconnecting(reconnecting);
  }

  /** Give the network some time to recover by itself, unless it is known to have changed. */
  async #waitForReturn(link: AnyLink): Promise<void> {
    const grace = (this.#grace = new AbortController());
    const plan = reconnectPlan(this.#options.reconnect, this.resumable);
    const until = performance.now() + plan.grace;
    for (let woken = false; !(woken && this.#options.reconnect !== false);) {
      const left = until - performance.now();
      if (left <= 0) break;
      woken = await pause(left, grace.signal);
      if (grace.signal.aborted || link !== this.link) return;
    }
    await this.#reconnect(lostLinkError());
  }

  /** Resume the session, or start a new one; or end because of the reason. */
  async #reconnect(reason: FastRTCError): Promise<void> {
    const { link } = this;
    const options = this.#options;
    const host = this.#host;
    if (!link || this.#former || host.signal.aborted) return;
    if (this.#lostAt === null) this.#lose();
    const former: Former = (this.#former = { link, held: null });
    const plan = reconnectPlan(options.reconnect, this.resumable);
    const isLost = reason.code === "connection_lost";
    const policy = new ReconnectPolicy(plan, {
      now: performance.now(),
      keptFor: this.reconnecting?.timeLeft ?? null,
      renews: isLost && plan.newSession,
    });
    const outcome = await recover(policy, link, {
      signal: host.signal,
      attempt: async (resumes, signal, timeout) => {
        if (this.#wasReplaced && !resumes) throw endError("", "replaced");
        this.#progress(policy.attempts, resumes);
        const session = this.#session;
        if (resumes && session) {
          await this.#resume(session, former, signal, timeout);
        } else {
          link.close(); // so that its place on the server is free
          const { id } = options;
          await this.start(typeof id === "function" ? id : undefined, signal, timeout);
        }
      },
    });
    if (outcome === "returned") this.#goBack(former);
    if (outcome !== "given_up") return;
    if (this.#wasReplaced) host.ended("stopped", endError("", "replaced"));
    else if (isLost) host.ended("failed", lostError(policy.last ?? reason));
    else host.ended("stopped", reason);
  }

  async #resume(
    session: ResumableSession,
    former: Former,
    signal: AbortSignal,
    timeout: number | null,
  ): Promise<void> {
    const resume = async (): Promise<ResumeRequest> => {
      this.#noteSecret();
      const heard = await former.link.heard();
      this.#release(former);
      former.held = [];
      return session.request(heard);
    };
    await this.#host.connect({ id: session.id, signal, timeout, resume });
    this.#established();
  }

  /** Use the link again that was lost. */
  #goBack(former: Former): void {
    if (this.link !== former.link) this.link?.close(); // unless no attempt has got so far
    this.#noteSecret();
    this.link = former.link;
    this.id = this.#session?.id ?? this.id;
    this.#former = null;
    this.#returnedAt = performance.now();
    this.#release(former);
    if (this.#host.signal.aborted) return;
    this.#resend(former.link, null);
    this.#connected(true);
  }
}
