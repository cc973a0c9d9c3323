import { describe, expect, it } from "vitest";
import { readGrant, ResumableSession, resumeFields } from "../../client/resumption";

const GRANT = { secret: "a", keptFor: 30_000, resumed: false, received: null };

describe("the fields of a request", () => {
  it.each([
    [false, {}],
    [true, { resume: true }],
    [
      { secret: "a", received: 3, heard: 960 },
      { resume: "a", received: 3, heard: 960 },
    ],
    [
      { secret: "a", received: 3, heard: null },
      { resume: "a", received: 3 },
    ],
  ])("are %j: %j", (request, fields) => {
    expect(resumeFields(request)).toEqual(fields);
  });
});

it.each([
  [null],
  [{}],
  [{ resume: "yes" }],
  [{ resume: null }],
  [{ resume: { secret: 3, within_s: 30 } }],
  [{ resume: { secret: "a" } }],
])("grants nothing with %j", (answer) => {
  expect(readGrant(answer)).toBeNull();
});

it("reads what a server grants", () => {
  const resume = { secret: "a", within_s: 30, resumed: true, received: 2 };
  expect(readGrant({ sdp: "v=0", resume })).toEqual({
    ...{ secret: "a", keptFor: 30_000, resumed: true, received: 2 },
  });
});

describe("a session", () => {
  it("keeps the last messages", () => {
    const session = new ResumableSession("mine", GRANT);
    for (let n = 0; n < 300; n++) session.keep(String(n), true);
    const kept = session.resend(0);
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([256, "44", "299"]);
    session.keep("a".repeat(300_000), true); // larger than all that may be kept
    expect(session.resend(0)).toEqual([]);
  });

  it("sends those again that are missing, and the others once", () => {
    const session = new ResumableSession("mine", GRANT);
    session.keep("0", true);
    session.keep("1", true);
    session.keep("2", false);
    expect(session.resend(1)).toEqual(["1", "2"]);
    expect(session.resend(null)).toEqual([]);
    session.keep("3", false);
    expect(session.resend(null)).toEqual(["3"]);
    expect(session.resend(4)).toEqual([]);
  });
});
