import { expect, it } from "vitest";
import { FastRTCError } from "@fastrtc/client";
import { isOrderly, isUnreached, problemOf } from "../../playground/problem";
import { readTarget } from "../../playground/target";

const there = readTarget({ url: "http://x" });
const down = readTarget({
  url: "http://x",
  problem: { sentence: "http://x refuses", advice: "Run it." },
});

it("says what is wrong with the stream, if it was not reached", () => {
  const error = new FastRTCError("server_unavailable", "Not available.");
  expect(isUnreached(error)).toBe(true);
  expect(problemOf(error, down)).toEqual({ sentence: "http://x refuses.", advice: "Run it." });
  expect(problemOf(error, there)).toEqual({ sentence: "Not available.", advice: "" });
});

it("says what the program says, even if the stream is gone meanwhile", () => {
  const error = new FastRTCError("handler_error", "No key");
  expect(problemOf(error, down).sentence).toBe("No key.");
});

it("advises about errors that the page can avoid", () => {
  const refused = new FastRTCError("bad_offer", "Refused: the stream's modality is video.");
  expect(problemOf(refused, there).sentence).toBe("The stream takes video.");
  expect(problemOf(new FastRTCError("unauthorized", "No."), there).advice).toContain("token");
  expect(problemOf(new FastRTCError("ice_failed", "No."), there).advice).toContain("WebSocket");
});

it("knows regular ends", () => {
  expect(isOrderly(new FastRTCError("time_limit_reached", ""))).toBe(true);
  expect(isOrderly(new FastRTCError("ice_failed", ""))).toBe(false);
});

it("tells a stream without a WebSocket from one that is gone", () => {
  const error = new FastRTCError("server_unreachable", "Is it running?");
  const { sentence } = problemOf(error, there, "websocket");
  expect(sentence).toBe("The stream is there, but it opens no WebSocket.");
  expect(problemOf(error, there, "auto").sentence).toBe("Is it running?");
  expect(problemOf(error, null, "websocket").sentence).toBe("Is it running?");
});
