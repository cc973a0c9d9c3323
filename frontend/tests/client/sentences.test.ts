import { describe, expect, it } from "vitest";
import { FastRTCError, toFastRTCError } from "../../client/errors";
import {
  closeError,
  deviceError,
  deviceNames,
  endError,
  httpError,
  iceError,
  lostError,
  refusalError,
  turnError,
} from "../../client/sentences";

/** A sentence for people: it begins like one and shows no JSON. */
function expectSentence({ sentence, message }: FastRTCError): void {
  expect(sentence).toMatch(/^[A-Z][^{}[\]]+$/);
  expect(message).toBe(sentence);
}

describe("devices", () => {
  it.each([
    ["NotAllowedError", "permission_denied", "Allow it in the browser"],
    ["SecurityError", "permission_denied", "Allow it in the browser"],
    ["NotFoundError", "no_device", "Connect one"],
    ["NotReadableError", "device_in_use", "Another program"],
    ["AbortError", "device_in_use", "Another program"],
    ["OverconstrainedError", "device_constraints", "cannot do"],
    ["TypeError", "device_failed", "could not be opened"],
  ])("%s is %s", (name, code, words) => {
    const error = deviceError(Object.assign(new Error("why"), { name }), ["audio"]);
    expect(error.code).toBe(code);
    expect(error.sentence).toContain("microphone");
    expect(error.sentence).toContain(words);
    expectSentence(error);
  });

  it("tells the operating system's no from the user's", () => {
    const thrown = { name: "NotAllowedError", message: "Permission denied by system" };
    expect(deviceError(thrown, ["video"]).sentence).toContain("privacy settings");
  });

  it("tells that the chosen device is gone", () => {
    const thrown = { name: "OverconstrainedError", constraint: "deviceId" };
    expect(deviceError(thrown, ["video"]).sentence).toContain("no longer available");
  });

  it("names them", () => {
    expect(deviceNames(["audio", "video"])).toBe("microphone and camera");
  });
});

describe("refusals", () => {
  it.each([
    [1, "The stream is in use, and takes one connection at a time."],
    [7, "All 7 connections are in use."],
    [undefined, "All connections are in use."],
  ])("at a limit of %s", (limit, words) => {
    const error = refusalError({ error: "concurrency_limit_reached", limit });
    expect(error.code).toBe("concurrency_limit_reached");
    expect(error.details).toMatchObject({ limit });
    expect(error.sentence).toContain(words);
  });

  it.each([
    "connection_already_exists",
    "unknown_connection",
    "connection_closed",
    "invalid_candidate_format",
    "turn_server_failed",
    "server_stopping",
    "unauthorized",
    "cross_site",
    "unknown_host",
    "too_many_connecting",
    "udp_ports_in_use",
    "port_unavailable",
  ])("%s has its own sentence", (code) => {
    const error = refusalError({ error: code });
    expect(error.code).toBe(code);
    expectSentence(error);
  });

  it("of an unknown kind are told by their name", () => {
    expect(refusalError({ error: "odd" })).toMatchObject({
      code: "refused",
      sentence: "The server refused the connection: odd.",
    });
    expect(refusalError().sentence).toBe("The server refused the connection.");
  });
});

describe("HTTP", () => {
  it.each([
    [400, "bad_offer"],
    [401, "forbidden"],
    [403, "forbidden"],
    [404, "not_found"],
    [405, "not_found"],
    [418, "server_error"],
    [422, "bad_offer"],
    [429, "server_unavailable"],
    [500, "server_error"],
    [503, "server_unavailable"],
  ])("%i is %s", (status, code) => {
    const error = httpError(status, [{ loc: ["body"] }]);
    expect(error.code).toBe(code);
    expectSentence(error);
  });

  it("tells the reason for which an offer is refused", () => {
    expect(httpError(400, "Unsupported track kind video").sentence).toBe(
      "The server refused the offer: Unsupported track kind video.",
    );
  });
});

describe("a program's own refusal", () => {
  it("is told with its reason", () => {
    const error = refusalError({ error: "unauthorized", reason: "Log in first." });
    expect(error.sentence).toBe("The server does not let you connect: Log in first.");
    expect(error.details).toEqual({ error: "unauthorized", reason: "Log in first." });
  });

  it("is told without one", () => {
    for (const meta of [{}, { reason: "" }, { reason: 5 }]) {
      const { sentence } = refusalError({ error: "unauthorized", ...meta });
      expect(sentence).toBe("The server does not let you connect.");
    }
  });
});

describe("ends", () => {
  it("by the time limit", () => {
    expect(endError("Time limit reached").code).toBe("time_limit_reached");
  });

  it("by a server that is stopped", () => {
    const error = endError("The server stops");
    expect(error.code).toBe("server_stopping");
    expectSentence(error);
    expect(endError("The server stops at noon").code).toBe("ended_by_server");
  });

  it("of a WebSocket, by its close code", () => {
    expect(closeError(1001, "").code).toBe("server_stopping");
    expect(closeError(1006, "").code).toBe("server_unreachable");
    expect(closeError(1000, "Good bye").sentence).toContain("Good bye");
    for (const code of [1001, 1006, 1000]) expectSentence(closeError(code, "Good bye"));
  });

  it("with the program's reason, or without", () => {
    expect(endError("Good bye").sentence).toBe("The server has ended the stream: Good bye");
    expect(endError("Stream closed").sentence).toBe("The server has ended the stream");
    expect(endError().code).toBe("ended_by_server");
  });

  it("that has given all it had", () => {
    const error = endError("Stream ended");
    expect(error.code).toBe("ended_by_server");
    expect(error.sentence).toBe("The stream has come to its end");
  });

  it("after a loss tell a dead server from a dead network", () => {
    expect(lostError(new FastRTCError("server_unreachable", "x")).code).toBe("server_gone");
    expect(lostError(iceError()).code).toBe("connection_lost");
    const full = refusalError({ error: "concurrency_limit_reached", limit: 1 });
    expect(lostError(full)).toBe(full);
  });

  it("without a way name what helps", () => {
    expect(iceError().sentence).toContain("TURN");
    expect(turnError().sentence).toContain("rtc_configuration");
  });
});

describe("toFastRTCError", () => {
  it("leaves one as it is", () => {
    const error = iceError();
    expect(toFastRTCError(error)).toBe(error);
  });

  it.each([[new Error("bad luck")], ["bad luck"]])("makes one of anything", (thrown) => {
    expect(toFastRTCError(thrown)).toMatchObject({
      code: "unexpected",
      sentence: "Something went wrong: bad luck",
    });
  });
});
