/** The hook that connects a component to a stream. */

import { useEffect, useInsertionEffect, useState, useSyncExternalStore } from "react";
import { StreamStore } from "./store";
import type { StreamHandle, UseStreamOptions } from "./types";

/**
 * Connect a component to a stream.
 *
 *     const stream = useStream({ url: "/api" });
 *     return <button onClick={() => stream.start()}>{stream.state}</button>;
 *
 * Nothing happens until `start()`. The connection belongs to the component: it ends when the
 * component is unmounted. To use it in others, pass the returned handle on, as a prop or in a
 * context. On the server, the state is `idle`.
 *
 * @param options Options that change take effect at the next `start()`; see `UseStreamOptions`.
 */
export function useStream(options: UseStreamOptions = {}): StreamHandle {
  const [store] = useState(() => new StreamStore(options));
  // Before all other effects of this commit, which may call `start()`.
  useInsertionEffect(() => {
    store.setOptions(options);
  });
  useEffect(store.mount, [store]);
  useEffect(store.followOptions);
  return useSyncExternalStore(store.subscribe, store.getSnapshot, store.getServerSnapshot);
}
