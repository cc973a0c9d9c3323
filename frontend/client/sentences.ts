/** Error messages for users, which say what to do. */

import { FastRTCError } from "./errors";
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
  const details = { kinds, name };
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return new FastRTCError(
        "permission_denied",
        message?.includes("system")
          ? `The operating system does not let the browser use the ${devices}. Allow it in the system's privacy settings and try again.`
          : `This page may not use the ${devices}. Allow it in the browser (the icon in the address bar) and try again.`,
        details,
      );
    case "NotFoundError":
      return new FastRTCError(
        "no_device",
        `No ${devices} was found. Connect one and try again.`,
        details,
      );
    case "NotReadableError":
    case "AbortError":
      return new FastRTCError(
        "device_in_use",
        `The ${devices} could not be opened. Another program may be using it: close it and try again.`,
        details,
      );
    case "OverconstrainedError":
      return new FastRTCError(
        "device_constraints",
        constraint === "deviceId"
          ? `The chosen ${devices} is no longer available. Select another one and try again.`
          : `The ${devices} cannot do what this page asks for${constraint ? ` (${constraint})` : ""}. Try another one.`,
        { ...details, constraint },
      );
    default:
      return new FastRTCError(
        "device_failed",
        `The ${devices} could not be opened: ${message || name || "unknown reason"}.`,
        details,
      );
  }
}

/** Describe why the server refused the connection; `meta` is from its refusal. */
export function refusalError(
  meta: { error?: unknown; limit?: unknown; reason?: unknown } = {},
): FastRTCError {
  const code = typeof meta.error === "string" ? meta.error : "";
  switch (code) {
    case "concurrency_limit_reached": {
      const limit = Number(meta.limit);
      const sentence =
        limit === 1
          ? "The stream is in use, and takes one connection at a time. Try again when it is free."
          : `All ${limit > 1 ? `${limit} ` : ""}connections are in use. Try again when one is free.`;
      return new FastRTCError(code, sentence, { ...meta });
    }
    case "connection_already_exists":
      return new FastRTCError(
        code,
        "The server already has a connection with this id. Try again.",
        { ...meta },
      );
    case "unknown_connection":
      return new FastRTCError(code, "The server does not know this connection. Start again.", {
        ...meta,
      });
    case "connection_closed":
      return new FastRTCError(code, "The server has already closed this connection. Start again.", {
        ...meta,
      });
    case "invalid_candidate_format":
      return new FastRTCError(code, "The server could not read an address of this browser.", {
        ...meta,
      });
    case "turn_server_failed":
      return new FastRTCError(
        code,
        "The server's TURN server refused it or did not answer. The server's log says why.",
        { ...meta },
      );
    case "cross_site":
    case "unknown_host":
    case "unauthorized": {
      const reason = typeof meta.reason === "string" && meta.reason ? `: ${meta.reason}` : ".";
      return new FastRTCError(code, `The server does not let you connect${reason}`, { ...meta });
    }
    case "too_many_connecting":
      return new FastRTCError(
        code,
        "Too many clients are connecting to the server right now. Try again in a moment.",
        { ...meta },
      );
    case "udp_ports_in_use":
      return new FastRTCError(
        code,
        "All connections of the server are in use. Try again when one is free.",
        { ...meta },
      );
    case "port_unavailable":
      return new FastRTCError(
        code,
        "The server cannot open its port for calls. The server's log says why.",
        { ...meta },
      );
    case "server_stopping":
      return stoppingError({ ...meta });
    case "resume_refused":
      return new FastRTCError(code, "The server no longer has this conversation. Start again.", {
        ...meta,
      });
    case "resume_elsewhere":
      return new FastRTCError(code, "Another process of the server has this conversation.", {
        ...meta,
      });
    default:
      return new FastRTCError(
        "refused",
        `The server refused the connection${code ? `: ${code}` : ""}.`,
        { ...meta },
      );
  }
}

/** Describe an HTTP status; `detail` is from FastAPI. */
export function httpError(status: number, detail?: unknown): FastRTCError {
  const details = { status, detail };
  if (status === 400) {
    const reason = typeof detail === "string" && detail ? `: ${detail}` : "";
    return new FastRTCError("bad_offer", `The server refused the offer${reason}.`, details);
  }
  if (status === 404 || status === 405) {
    return new FastRTCError("not_found", "There is no stream at this address.", details);
  }
  if (status === 422) {
    return new FastRTCError("bad_offer", "The server did not understand the offer.", details);
  }
  if (status === 401 || status === 403) {
    return new FastRTCError(
      "forbidden",
      "The server does not let this page connect. You may have to log in first.",
      details,
    );
  }
  if (status === 429) {
    return new FastRTCError(
      "server_unavailable",
      "The server gets too many requests. Wait a moment and try again.",
      details,
    );
  }
  if (status === 502 || status === 503 || status === 504) {
    return new FastRTCError(
      "server_unavailable",
      "The server is not available right now. Try again in a moment.",
      details,
    );
  }
  if (status >= 500) {
    return new FastRTCError(
      "server_error",
      `The server had an error (${status}). See its log.`,
      details,
    );
  }
  return new FastRTCError(
    "server_error",
    `The server gave an unexpected answer (${status}).`,
    details,
  );
}

/** The default reason of `CloseStream`. */
const NO_REASON = "Stream closed";
/** The reason when the stream's source has ended. */
const COMPLETE = "Stream ended";

/** The reason when the server is shutting down, for example for a restart. */
function stoppingError(details: Readonly<Record<string, unknown>>): FastRTCError {
  return new FastRTCError(
    "server_stopping",
    "The server is stopping or restarting. Try again in a moment.",
    details,
  );
}

/** Describe why the server ended the stream; `reason` is from its `end_stream`. */
export function endError(reason = "", code?: unknown): FastRTCError {
  if (code === "idle") {
    return new FastRTCError(
      "idle_timeout",
      "Nothing was heard for a while, so the stream has ended. Start again to continue.",
      { reason },
    );
  }
  if (code === "replaced") {
    return new FastRTCError("replaced", "This conversation was opened in another window.", {
      reason,
    });
  }
  if (/time limit/i.test(reason)) {
    return new FastRTCError(
      "time_limit_reached",
      "The time limit of the stream has been reached. Start again to continue.",
      { reason },
    );
  }
  if (/^the server stops$/i.test(reason)) return stoppingError({ reason });
  if (reason === COMPLETE) {
    return new FastRTCError("ended_by_server", "The stream has come to its end", { reason });
  }
  const why = reason && reason !== NO_REASON ? `: ${reason}` : "";
  return new FastRTCError("ended_by_server", `The server has ended the stream${why}`, { reason });
}

/** The error of a connection that was lost. */
export function lostLinkError(): FastRTCError {
  return new FastRTCError("connection_lost", "The connection was lost.");
}

/** The error of an attempt that is not needed any more. */
export function closedError(): FastRTCError {
  return new FastRTCError("connection_closed", "The connection was closed.");
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

/** The close codes of a server that is not available for now (RFC 6455 and its registry). */
const UNAVAILABLE = [1005, 1006, 1012, 1013, 1014, 1015];

/** Describe why the server closed a WebSocket. */
export function closeError(code: number, reason: string): FastRTCError {
  if (code === 1001) return stoppingError({ code, reason });
  if (UNAVAILABLE.includes(code)) {
    return new FastRTCError(
      "server_unreachable",
      "The server cannot be reached. Is it running? Is the network there?",
      { code, reason },
    );
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
