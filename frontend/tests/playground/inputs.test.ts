import { describe, expect, it } from "vitest";
import { inputsUrl, readInputRoutes, refusalText } from "../../playground/inputs";

/** The schema of an app with the routes of a stream and one for inputs, as FastAPI writes it. */
function openapi(properties: object, name = "Inputs"): unknown {
  const body = (schema: string): object => ({
    content: { "application/json": { schema: { $ref: `#/components/schemas/${schema}` } } },
  });
  return {
    paths: {
      "/": { get: {} },
      "/inputs": { get: {}, post: { requestBody: body(name) } },
      "/webrtc/offer": { post: { requestBody: body("Body") } },
      "/other": { post: { requestBody: body("Other") } },
      "/hang_up": { post: { requestBody: body("HangUp") } },
      "/upload": { post: { requestBody: { content: { "multipart/form-data": {} } } } },
    },
    components: {
      schemas: {
        Inputs: { type: "object", properties: { webrtc_id: { type: "string" }, ...properties } },
        Body: { properties: { webrtc_id: {}, sdp: {}, type: {} } },
        Other: { properties: { name: { type: "string" } } },
        HangUp: { properties: { webrtc_id: {} } },
        Mode: { enum: ["fast", "good"], type: "string" },
        Loop: { properties: { loop: { $ref: "#/components/schemas/Loop" } }, type: "object" },
        Ring: { $ref: "#/components/schemas/Ring" },
      },
    },
  };
}

describe("the routes for inputs", () => {
  it("are those whose body names a connection", () => {
    const found = readInputRoutes(openapi({ brightness: { type: "number" } }));
    expect(found).toEqual([{ path: "/inputs", example: { brightness: 0 } }]);
  });

  it("have values of the right types", () => {
    const properties = {
      text: { type: "string" },
      voice: { type: "string", default: "nova" },
      none: { default: null },
      on: { type: "boolean" },
      count: { type: "integer", minimum: 2 },
      list: { type: "array" },
      mode: { $ref: "#/components/schemas/Mode" },
      good: { $ref: "#/components/schemas/Mode", default: "good" },
      maybe: { anyOf: [{ type: "null" }, { type: "integer" }] },
      nothing: { anyOf: [{ type: "null" }] },
      inside: { type: "object", properties: { a: { examples: ["x", "y"] }, b: { const: 3 } } },
      any: {},
    };
    const [route] = readInputRoutes(openapi(properties));
    expect(route?.example).toEqual({
      ...{ text: "", voice: "nova", none: null, on: false, count: 2, list: [] },
      ...{
        mode: "fast",
        good: "good",
        maybe: 0,
        nothing: null,
        inside: { a: "x", b: 3 },
        any: null,
      },
    });
  });

  it.each([
    [{}, 0],
    [{ minimum: -5, maximum: -1 }, -1],
    [{ minimum: 0.5, maximum: 2 }, 0.5],
    [{ exclusiveMinimum: 0 }, 1],
    [{ exclusiveMinimum: 0, maximum: 1 }, 0.5],
    [{ exclusiveMaximum: 0 }, -1],
    [{ minimum: -1, exclusiveMaximum: 0 }, -0.5],
    [{ exclusiveMinimum: -1, exclusiveMaximum: 1 }, 0],
    [{ type: "integer", minimum: 0.5 }, 1],
    [{ type: "integer", exclusiveMinimum: 0, maximum: 1 }, 1],
    [{ type: "integer", exclusiveMinimum: 2.5 }, 3],
    [{ type: "integer", maximum: -1.5 }, -2],
    [{ type: "integer", minimum: -9, exclusiveMaximum: -2 }, -3],
  ])("have a number in the range %j", (range, value) => {
    const [route] = readInputRoutes(openapi({ x: { type: "number", ...range } }));
    expect(route?.example).toEqual({ x: value });
  });

  it("end where a schema contains itself", () => {
    const [route] = readInputRoutes(openapi({ a: { $ref: "#/components/schemas/Loop" } }));
    expect(JSON.stringify(route?.example).length).toBeLessThan(200);
    expect(readInputRoutes(openapi({}, "Ring"))).toEqual([]);
  });

  it("are none of another server", () => {
    const schema = openapi({ brightness: { type: "number" } }) as {
      paths: Record<string, unknown>;
    };
    const paths = Object.values(schema.paths).map((one, k) => [`/${"/\\\t"[k % 3]}/x${k}`, one]);
    expect(paths).toHaveLength(6);
    expect(readInputRoutes({ ...schema, paths: Object.fromEntries(paths) as object })).toEqual([]);
  });

  it("are none without a schema", () => {
    for (const json of [null, 1, [], {}, { paths: [] }, { paths: { "/a": null } }]) {
      expect(readInputRoutes(json)).toEqual([]);
    }
  });
});

describe("the address for inputs", () => {
  it("is that of the route, or of the command, which forwards to it", () => {
    expect(inputsUrl("/inputs", false)).toBe("/inputs");
    expect(inputsUrl("/a b?c=1", true)).toBe("inputs?route=%2Fa%20b%3Fc%3D1");
  });

  it.each(["//other.example/x", "/\\other.example/x", "/\t/other.example/x", "https://x", ""])(
    "is none for %j",
    (route) => {
      for (const served of [true, false]) expect(() => inputsUrl(route, served)).toThrow("no path");
    },
  );
});

describe("a refusal of a route", () => {
  it("says what is wrong with which field", () => {
    const problem = { loc: ["body", "brightness"], msg: "Input should be less than 1" };
    const body = JSON.stringify({ detail: [problem, { loc: ["body", "x"] }] });
    expect(refusalText("/inputs", 422, body)).toBe(
      "/inputs: 422. brightness: Input should be less than 1; x",
    );
  });

  it("shows other responses as they are", () => {
    expect(refusalText("/inputs", 404, '{"detail": "Not Found"}')).toBe("/inputs: 404. Not Found");
    expect(refusalText("/inputs", 500, "")).toBe("/inputs: 500");
    expect(refusalText("/inputs", 502, "x".repeat(999)).length).toBe(300 + 14);
    expect(refusalText("/inputs", 400, '{"a": 1}')).toBe('/inputs: 400. {"a": 1}');
  });
});
