/** The versions of the client and the server, which tell them to each other. */

import { FastRTCError } from "./errors";
import { VERSION } from "./version";

/** What must be the same on both sides (Semantic Versioning): `1` of 1.2.3, `0.1` of 0.1.2. */
const COMPATIBLE = /^(0\.)?\d+/;

/** Versions of servers that were reported. */
const told = new Set<string>();

/**
 * Warn once per page of a server whose version does not fit that of the client.
 *
 * @param server Its version; undefined for a server that does not tell it.
 * @returns The notice for the user, or null.
 */
export function otherVersion(server: unknown): FastRTCError | null {
  if (typeof server !== "string" || told.has(server)) return null;
  if (COMPATIBLE.exec(server)?.[0] === COMPATIBLE.exec(VERSION)?.[0]) return null;
  told.add(server);
  const sentence = `The page has version ${VERSION} of fastrtc, but the server has ${server}. Not all may work: use the same version.`;
  console.warn(sentence); // eslint-disable-line no-console -- for the page's developer
  return new FastRTCError("other_version", sentence, { client: VERSION, server });
}
