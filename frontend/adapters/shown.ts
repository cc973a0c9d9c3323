/** What an adapter needs of the element that it shows. */

import type { Host } from "../view";

/** An element on the page. */
export interface Shown {
  /** Follows the parameters of the host. */
  update(): void;
  destroy(): void;
}

/** Puts the element into the parent, before the anchor. */
export type Make = (parent: Node, anchor: Node | null, host: Host) => Shown;
