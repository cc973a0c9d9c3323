/** The routes of a program for the inputs of its handler, from its OpenAPI schema. No elements. */

import { isOwnPath } from "./target";

/** A route that takes inputs. */
export interface InputRoute {
  path: string;
  /** Values of the types that it takes, by name. */
  example: Record<string, unknown>;
}

/** The field of the body that names the connection. */
const ID = "webrtc_id";

/** Fields of an offer or a candidate, which are no inputs. */
const OF_OFFERS = ["sdp", "candidate"];

/** How deep the schema of a value is followed. */
const DEPTH = 6;

type Json = Record<string, unknown>;

/** Return the POST routes whose body is an object with a `webrtc_id` and other fields. */
export function readInputRoutes(openapi: unknown): InputRoute[] {
  const root = object(openapi);
  const schemas = object(object(root["components"])["schemas"]);
  return Object.entries(object(root["paths"])).flatMap(([path, methods]) => {
    if (!isOwnPath(path)) return [];
    const body = object(object(object(methods)["post"])["requestBody"]);
    const json = object(object(body["content"])["application/json"]);
    const names = object(resolved(object(json["schema"]), schemas)["properties"]);
    const others = Object.entries(names).filter(([name]) => name !== ID);
    if (!(ID in names) || others.length === 0 || OF_OFFERS.some((name) => name in names)) return [];
    const example = others.map(([name, value]) => [name, exampleOf(object(value), schemas)]);
    return [{ path, example: Object.fromEntries(example) as Json }];
  });
}

/**
 * Return where inputs for a route are posted.
 *
 * @param served Whether `fastrtc playground` serves the page and forwards them.
 * @throws Error if the route is on another server, which would get the token.
 */
export function inputsUrl(route: string, served: boolean): string {
  if (!isOwnPath(route)) throw new Error(`${route} is no path of the program.`);
  return served ? `inputs?route=${encodeURIComponent(route)}` : route;
}

/** Return what the response of a route says is wrong. */
export function refusalText(path: string, status: number, body: string): string {
  let detail: unknown = body;
  try {
    detail = object(JSON.parse(body))["detail"] ?? body;
  } catch {
    // not JSON: as it is
  }
  const said = Array.isArray(detail) ? detail.map(problemText).join("; ") : asText(detail);
  return `${path}: ${status}${said ? `. ${said.slice(0, 300)}` : ""}`;
}

/** A validation error of FastAPI: where, and what. */
function problemText(problem: unknown): string {
  const { loc, msg } = object(problem);
  const where = Array.isArray(loc) ? loc.filter((one) => one !== "body").join(".") : "";
  return [where, asText(msg)].filter(Boolean).join(": ");
}

function exampleOf(given: Json, schemas: Json, depth = 0): unknown {
  const schema = resolved(given, schemas);
  if (schema["default"] !== undefined) return schema["default"];
  for (const name of ["examples", "enum"]) {
    const values = schema[name];
    if (Array.isArray(values) && values.length > 0) return values[0];
  }
  if (schema["const"] !== undefined) return schema["const"];
  if (depth > DEPTH) return null;
  for (const name of ["anyOf", "oneOf", "allOf"]) {
    const kinds = schema[name];
    if (!Array.isArray(kinds)) continue;
    const first = kinds.map(object).find((one) => one["type"] !== "null");
    return first ? exampleOf(first, schemas, depth + 1) : null;
  }
  switch (schema["type"]) {
    case "string":
      return "";
    case "boolean":
      return false;
    case "integer":
    case "number":
      return numberOf(schema);
    case "array":
      return [];
    case "object": {
      const names = Object.entries(object(schema["properties"]));
      return Object.fromEntries(
        names.map(([name, value]) => [name, exampleOf(object(value), schemas, depth + 1)]),
      );
    }
    default:
      return null;
  }
}

/** Return the number that is nearest to 0 in the range; beside an end that it excludes. */
function numberOf(schema: Json): number {
  const value = (name: string, otherwise: number): number =>
    typeof schema[name] === "number" ? schema[name] : otherwise;
  const above = value("exclusiveMinimum", -Infinity);
  const below = value("exclusiveMaximum", Infinity);
  let low = value("minimum", -Infinity);
  let high = value("maximum", Infinity);
  if (schema["type"] === "integer") {
    low = Math.max(Math.ceil(low), Math.floor(above) + 1);
    high = Math.min(Math.floor(high), Math.ceil(below) - 1);
    return Math.min(Math.max(0, low), high);
  }
  low = Math.max(low, above);
  high = Math.min(high, below);
  const nearest = Math.min(Math.max(0, low), high);
  if (nearest === above) return Math.min(nearest + 1, (nearest + high) / 2);
  if (nearest === below) return Math.max(nearest - 1, (low + nearest) / 2);
  return nearest;
}

/** Follow `{"$ref": "#/components/schemas/NAME"}`; what stands beside it has priority. */
function resolved(schema: Json, schemas: Json): Json {
  let found = schema;
  for (let depth = 0; depth < DEPTH && typeof found["$ref"] === "string"; depth += 1) {
    const { $ref: name, ...beside } = found as Json & { $ref: string };
    found = { ...object(schemas[name.split("/").at(-1) ?? ""]), ...beside };
  }
  return found;
}

function object(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Json)
    : {};
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
}
