/** A reference of a component and that of its user. */

import { useCallback, type ForwardedRef, type RefObject } from "react";

/** Return a reference that sets both, and changes only if the user's does. */
export function useMergedRef<Value>(
  own: RefObject<Value | null>,
  given: ForwardedRef<Value>,
): (value: Value | null) => void {
  return useCallback(
    (value: Value | null) => {
      (own as { current: Value | null }).current = value;
      if (typeof given === "function") given(value);
      else if (given) given.current = value;
    },
    [own, given],
  );
}
