/** A reference of a component and that of its user. */

import { useMemo, type ForwardedRef, type RefObject } from "react";

/**
 * Return a reference that sets both, and changes only if the user's does.
 *
 * A function that the user's returns is called instead of it at the end, as React 19 does. React
 * does not get it: React 18 warns of any result.
 */
export function useMergedRef<Value>(
  own: RefObject<Value | null>,
  given: ForwardedRef<Value>,
): (value: Value | null) => void {
  return useMemo(() => {
    let cleanUp: (() => void) | null = null;
    return (value: Value | null) => {
      (own as { current: Value | null }).current = value;
      if (typeof given !== "function") {
        if (given) given.current = value;
      } else if (value === null && cleanUp) {
        cleanUp();
        cleanUp = null;
      } else {
        const attach: (value: Value | null) => unknown = given;
        const result = attach(value);
        cleanUp = typeof result === "function" ? (result as () => void) : null;
      }
    };
  }, [own, given]);
}
