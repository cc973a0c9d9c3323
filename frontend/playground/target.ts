/** What is known about the stream, from the command that serves the page. No elements. */

import type { Modality, Mode, TransportChoice } from "@fastrtc/client";

/** The stream that the page talks to. */
export interface Target {
  /** Whether `fastrtc playground` serves the page and forwards its requests. */
  served: boolean;
  /** The address that is shown. */
  url: string;
  /** The route of offers, relative to the page. */
  offers: string;
  kind: "mounted" | "gradio" | null;
  /** What the options of the command demand, if anything. */
  chosen: { modality: Modality | null; mode: Mode | null; transport: TransportChoice | null };
  /** What the stream takes, as far as it is known. */
  found: { modality: Modality | null; mode: Mode | null };
  /** Whether the command adds a token to the requests. */
  hasToken: boolean;
  notes: string[];
  /** Why the stream cannot be reached, if so. */
  problem: Problem | null;
}

/** What is wrong, and what to do. */
export interface Problem {
  sentence: string;
  advice: string;
}

/**
 * A path on the server of the page: one that begins with two slashes names another server. A
 * backslash is a slash there, and tabs and line ends are left out of addresses.
 */
const OWN_PATH = /^\/(?![/\\])[^\t\r\n]*$/;

const MODALITIES = ["audio", "video", "audio-video"] as const;
const MODES = ["send-receive", "send", "receive"] as const;
const TRANSPORTS = ["auto", "webrtc", "websocket"] as const;

/** Read the answer of the command. */
export function readTarget(json: unknown): Target {
  const fields = object(json);
  const found = object(fields["found"]);
  const problem = fields["problem"] === undefined ? null : object(fields["problem"]);
  return {
    served: true,
    url: text(fields["url"]),
    offers: "/webrtc/offer",
    kind: oneOf(fields["kind"], ["mounted", "gradio"] as const),
    chosen: {
      modality: oneOf(fields["modality"], MODALITIES),
      mode: oneOf(fields["mode"], MODES),
      transport: oneOf(fields["transport"], TRANSPORTS),
    },
    found: { modality: oneOf(found["modality"], MODALITIES), mode: oneOf(found["mode"], MODES) },
    hasToken: fields["has_token"] === true,
    notes: Array.isArray(fields["notes"]) ? fields["notes"].map(text).filter(Boolean) : [],
    problem: problem && {
      sentence: asSentence(text(problem["sentence"])),
      advice: text(problem["advice"]),
    },
  };
}

/**
 * Return the stream of a page that another server serves: one of its own, at `?stream=/path`.
 *
 * A stream elsewhere is not accepted, so that no link can send a microphone to another server.
 */
export function ownTarget(address: URL): Target {
  const given = address.searchParams.get("stream") ?? "";
  const path = isOwnPath(given) && !/[?#]/.test(given) ? given.replace(/\/+$/, "") : "";
  return {
    served: false,
    url: address.origin + path,
    offers: `${path}/webrtc/offer`,
    kind: null,
    chosen: { modality: null, mode: null, transport: null },
    found: { modality: null, mode: null },
    hasToken: false,
    notes: [],
    problem: null,
  };
}

/** Whether a route is a path on the server of the page, and nowhere else. */
export function isOwnPath(route: string): boolean {
  return OWN_PATH.test(route);
}

/** Return the problem when the command itself does not answer. */
export function commandEnded(): Problem {
  return {
    sentence: "fastrtc playground has ended.",
    advice: "Start the command again, and open the address that it prints.",
  };
}

/** Return the modality that a refusal names; null if it names none. */
export function modalityIn(refusal: string): Modality | null {
  const named = /the stream's modality is ([a-z-]+)/.exec(refusal)?.[1];
  return oneOf(named, MODALITIES);
}

/** Return a phrase as a sentence: with a capital letter and a full stop. */
export function asSentence(phrase: string): string {
  const trimmed = phrase.trim();
  if (!trimmed) return "";
  // An address keeps its case.
  const begun = /^[a-z]+:\/\//.test(trimmed)
    ? trimmed
    : trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function oneOf<Word extends string>(value: unknown, words: readonly Word[]): Word | null {
  return words.find((word) => word === value) ?? null;
}
