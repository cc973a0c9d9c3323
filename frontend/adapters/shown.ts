/** The element interface that an adapter needs. */

import type { Host } from "../view";

/** An element on the page. */
export interface Shown {
  /** Update the parameters from the host. */
  update(): void;
  destroy(): void;
}

/** Insert the element into the parent, before the anchor. */
export type Make = (parent: Node, anchor: Node | null, host: Host) => Shown;
