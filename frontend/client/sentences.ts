/** Error messages for users, which say what to do. */

import { FastRTCError, type ErrorCode } from "./errors";
import type { Kind } from "./types";

const NAMES = { audio: "microphone", video: "camera" };

/** "microphone", "camera", or "microphone and camera". */
export function deviceNames(kinds: readonly Kind[]): string {
  return kinds.map((kind) => NAMES[kind]).join(" and ");
}

/** Describe why the browser opened no device; `thrown` is the rejection of `getUserMedia`. */
export function deviceError(thrown: unknown, kinds: readonly Kind[]): FastRTCError {
  const devices = deviceNames(kinds);
  const { name, message, constraint } = thrown as {
    name?: string;
    message?: string;
    constraint?: string;
  };
  const fail = (code: ErrorCode, sentence: string, more?: object) =>
    new FastRTCError(code, sentence, { kinds, name, ...more });
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return fail(
        "permission_denied",
        message?.includes("system")
          ? `The operating system does not let the browser use the ${devices}. Allow it in the system's privacy settings and try again.`
          : `This page may not use the ${devices}. Allow it in the browser (the icon in the address bar) and try again.`,
      );
    case "NotFoundError":
      return fail("no_device", `No ${devices} was found. Connect one and try again.`);
    case "NotReadableError":
    case "AbortError":
      return fail(
        "device_in_use",
        `The ${devices} could not be opened. Another program may be using it: close it and try again.`,
      );
    case "OverconstrainedError":
      return fail(
        "device_constraints",
        constraint === "deviceId"
          ? `The chosen ${devices} is no longer available. Select another one and try again.`
          : `The ${devices} cannot do what this page asks for${constraint ? ` (${constraint})` : ""}. Try another one.`,
        { constraint },
      );
    default:
      return fail(
        "device_failed",
        `The ${devices} could not be opened: ${message || name || "unknown reason"}.`,
      );
  }
}

/** The reason when the server is shutting down, for example for a restart. */
const STOPPING = "The server is stopping or restarting. Try again in a moment.";

/** The sentences for refusals of the server, by their codes. */
const REFUSALS: Partial<Record<ErrorCode, string>> = {
  connection_already_exists: "The server already has a connection with this id. Try again.",
  unknown_connection: "The server does not know this connection. Start again.",
  connection_closed: "The server has already closed this connection. Start again.",
  invalid_candidate_format: "The server could not read an address of this browser.",
  turn_server_failed:
    "The server's TURN server refused it or did not answer. The server's log says why.",
  too_many_connecting:
    "Too many clients are connecting to the server right now. Try again in a moment.",
  udp_ports_in_use: "All connections of the server are in use. Try again when one is free.",
  port_unavailable: "The server cannot open its port for calls. The server's log says why.",
  server_stopping: STOPPING,
  resume_refused: "The server no longer has this conversation. Start again.",
  resume_elsewhere: "Another process of the server has this conversation.",
};

/** Describe why the server refused the connection; `meta` is from its refusal. */
export function refusalError(
  meta: { error?: unknown; limit?: unknown; reason?: unknown } = {},
): FastRTCError {
  const code = typeof meta.error === "string" ? (meta.error as ErrorCode) : "";
  const fail = (code: ErrorCode, sentence: string) => new FastRTCError(code, sentence, { ...meta });
  switch (code) {
    case "concurrency_limit_reached": {
      const limit = Number(meta.limit);
      return fail(
        code,
        limit === 1
          ? "The stream is in use, and takes one connection at a time. Try again when it is free."
          : `All ${limit > 1 ? `${limit} ` : ""}connections are in use. Try again when one is free.`,
      );
    }
    case "cross_site":
    case "unknown_host":
    case "unauthorized":
      return fail(code, `The server does not let you connect${because(meta.reason)}`);
  }
  const sentence = code && Object.hasOwn(REFUSALS, code) ? REFUSALS[code] : null;
  return sentence
    ? fail(code as ErrorCode, sentence)
    : fail("refused", `The server refused the connection${code ? `: ${code}` : ""}.`);
}

/** The end of a sentence: a reason of the server, which ends as it wants, or a full stop. */
function because(reason: unknown, end = ""): string {
  return typeof reason === "string" && reason ? `: ${reason}${end}` : ".";
}

/** Describe an HTTP status; `detail` is from FastAPI. */
export function httpError(status: number, detail?: unknown): FastRTCError {
  const fail = (code: ErrorCode, sentence: string) =>
    new FastRTCError(code, sentence, { status, detail });
  switch (status) {
    case 400:
      return fail("bad_offer", `The server refused the offer${because(detail, ".")}`);
    case 401:
    case 403:
      return fail(
        "forbidden",
        "The server does not let this page connect. You may have to log in first.",
      );
    case 404:
    case 405:
      return fail("not_found", "There is no stream at this address.");
    case 422:
      return fail("bad_offer", "The server did not understand the offer.");
    case 429:
      return fail(
        "server_unavailable",
        "The server gets too many requests. Wait a moment and try again.",
      );
    case 502:
    case 503:
    case 504:
      return fail(
        "server_unavailable",
        "The server is not available right now. Try again in a moment.",
      );
  }
  return fail(
    "server_error",
    status >= 500
      ? `The server had an error (${status}). See its log.`
      : `The server gave an unexpected answer (${status}).`,
  );
}

/** The default reason of `CloseStream`. */
const NO_REASON = "Stream closed";
/** The reason when the stream's source has ended. */
const COMPLETE = "Stream ended";

/** Describe why the server ended the stream; `reason` is from its `end_stream`. */
export function endError(reason = "", code?: unknown): FastRTCError {
  const fail = (code: ErrorCode, sentence: string) => new FastRTCError(code, sentence, { reason });
  if (code === "idle") {
    return fail(
      "idle_timeout",
      "Nothing was heard for a while, so the stream has ended. Start again to continue.",
    );
  }
  if (code === "replaced") {
    return fail("replaced", "This conversation was opened in another window.");
  }
  if (/time limit/i.test(reason)) {
    return fail(
      "time_limit_reached",
      "The time limit of the stream has been reached. Start again to continue.",
    );
  }
  if (/^the server stops$/i.test(reason)) return fail("server_stopping", STOPPING);
  if (reason === COMPLETE) return fail("ended_by_server", "The stream has come to its end");
  const why = reason && reason !== NO_REASON ? `: ${reason}` : "";
  return fail("ended_by_server", `The server has ended the stream${why}`);
}

/** The error of a connection that was lost. */
export function lostLinkError(): FastRTCError {
  return new FastRTCError("connection_lost", "The connection was lost.");
}

/** The error of an attempt that is not needed any more. */
export function closedError(): FastRTCError {
  return new FastRTCError("connection_closed", "The connection was closed.");
}

/** The error of an environment without WebRTC, or a part of it. */
export function noWebRTC(): FastRTCError {
  return new FastRTCError("no_webrtc", "This browser cannot do WebRTC. Use a newer one.");
}

/** The error for a request that timed out. */
export function timeoutError(): FastRTCError {
  return new FastRTCError("server_timeout", "The server took too long to answer. Try again.");
}

/** The error when ICE finds no route. */
export function iceError(): FastRTCError {
  return new FastRTCError(
    "ice_failed",
    "No route to the server was found. If a firewall is in between, the stream needs a TURN server (rtc_configuration).",
  );
}

/** The error when ICE finds no route and the TURN server refused the credentials (401). */
export function turnError(): FastRTCError {
  return new FastRTCError(
    "turn_refused",
    "The TURN server refused its username and credential (rtc_configuration).",
  );
}

/** Tell the user that the stream works, but not over WebRTC. */
export function fallBackNotice(): FastRTCError {
  return new FastRTCError(
    "using_websocket",
    "This network blocks direct audio (UDP), so the call goes over the web connection instead. It may lag a little.",
  );
}

/** The error of a server that cannot be reached. */
export function unreachableError(details = {}): FastRTCError {
  return new FastRTCError(
    "server_unreachable",
    "The server cannot be reached. Is it running? Is the network there?",
    details,
  );
}

/** The close codes of a server that is not available for now (RFC 6455 and its registry). */
const UNAVAILABLE = [1005, 1006, 1012, 1013, 1014, 1015];

/** Describe why the server closed a WebSocket. */
export function closeError(code: number, reason: string): FastRTCError {
  if (code === 1001) return new FastRTCError("server_stopping", STOPPING, { code, reason });
  if (UNAVAILABLE.includes(code)) {
    return unreachableError({ code, reason });
  }
  return endError(reason);
}

/** The error when reconnecting failed; `last` is the error of the last attempt. */
export function lostError(last: FastRTCError): FastRTCError {
  switch (last.code) {
    case "ice_failed":
    case "connection_lost":
      return new FastRTCError(
        "connection_lost",
        "The connection was lost and reconnecting failed. Check the network and start again.",
      );
    case "server_unreachable":
    case "server_timeout":
    case "server_unavailable":
      return new FastRTCError(
        "server_gone",
        "The connection was lost: the server no longer responds. Check the network, and whether the server is still running.",
      );
    default:
      return last;
  }
}
