import { beforeEach, expect, it, vi, type MockInstance } from "vitest";
import { VERSION } from "../../client/version";

let otherVersion: (server: unknown) => Error | null;

// Each test is a page of its own, with its own version of the client.
async function page(version: string): Promise<void> {
  vi.resetModules();
  vi.doMock("../../client/version", () => ({ VERSION: version }));
  ({ otherVersion } = await import("../../client/handshake"));
}

let warn: MockInstance;

beforeEach(() => {
  warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
});

it("has a version", () => {
  expect(VERSION).toMatch(/^\d+\.\d+\.\d+/);
});

it.each([
  ["0.1.0", "0.1.0"],
  ["0.1.0", "0.1.7"],
  ["0.1.0", "0.1.0.dev1+g123"],
  ["1.2.0", "1.9.0"],
  ["0.1.0", undefined],
])("client %s fits server %s", async (client, server) => {
  await page(client);
  expect(otherVersion(server)).toBeNull();
  expect(warn).not.toHaveBeenCalled();
});

it.each([
  ["0.1.0", "0.2.0"],
  ["0.1.0", "0.10.0"],
  ["0.1.0", "1.1.0"],
  ["1.0.0", "2.0.0"],
  ["1.0.0", "10.0.0"],
])("client %s warns once of server %s", async (client, server) => {
  await page(client);
  expect(otherVersion(server)).toMatchObject({
    code: "other_version",
    details: { client, server },
  });
  expect(otherVersion(server)).toBeNull();
  expect(warn).toHaveBeenCalledTimes(1);
});
