import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { httpSignalling } from "../../client/signalling";

const BODY = { sdp: "v=0", type: "offer" as const, webrtc_id: "a" };

let server: Server;
let url: string;
let reply: { status: number; text: string } | null; // null: none
let request: { method?: string | undefined; headers: IncomingMessage["headers"]; body: string };

beforeAll(async () => {
  server = createServer((incoming, response) => {
    let body = "";
    incoming.on("data", (chunk: Buffer) => (body += chunk.toString()));
    incoming.on("end", () => {
      request = { method: incoming.method, headers: incoming.headers, body };
      if (reply) response.writeHead(reply.status).end(reply.text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webrtc/offer`;
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

beforeEach(() => {
  reply = { status: 200, text: '{"sdp": "v=0", "type": "answer"}' };
});

describe("httpSignalling", () => {
  it("posts JSON, with the headers that are given, and gives the answer", async () => {
    const signalling = httpSignalling(url, { headers: { Authorization: "Bearer t" } });
    expect(await signalling.offer(BODY)).toEqual({ sdp: "v=0", type: "answer" });
    expect(request.method).toBe("POST");
    expect(request.headers).toMatchObject({
      "content-type": "application/json",
      authorization: "Bearer t",
    });
    expect(JSON.parse(request.body)).toEqual(BODY);
  });

  it("gives a refusal as it is", async () => {
    reply = { status: 200, text: '{"status": "failed", "meta": {"error": "x"}}' };
    expect(await httpSignalling(url).offer(BODY)).toEqual({
      status: "failed",
      meta: { error: "x" },
    });
  });

  it.each([
    [400, '{"detail": "No audio track"}', "bad_offer", "No audio track"],
    [422, '{"detail": [{"loc": []}]}', "bad_offer", "did not understand"],
    [500, "Internal Server Error", "server_error", "(500)"],
    [502, "<html>", "server_unavailable", "not available"],
    [200, "<html>", "server_error", "unexpected answer"],
  ])("tells a status of %i with %s", async (status, text, code, words) => {
    reply = { status, text };
    await expect(httpSignalling(url).offer(BODY)).rejects.toMatchObject({
      code,
      sentence: expect.stringContaining(words) as string,
    });
  });

  it("tells that nobody is there", async () => {
    await expect(httpSignalling("http://127.0.0.1:1/").offer(BODY)).rejects.toMatchObject({
      code: "server_unreachable",
    });
  });

  it("stops waiting when the answer is no longer wanted", async () => {
    reply = null;
    const abort = new AbortController();
    const answer = httpSignalling(url).offer(BODY, abort.signal);
    abort.abort();
    await expect(answer).rejects.toMatchObject({ code: "server_timeout" });
  });
});
