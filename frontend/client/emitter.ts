/** Events with typed details. */

type Listener<Detail> = (detail: Detail) => void;

/** Calls the listeners of named events. `Events` maps names to details. */
export class Emitter<Events extends object> {
  #listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Add a listener; returns a function that removes it. */
  on<Name extends keyof Events>(name: Name, listener: (detail: Events[Name]) => void): () => void {
    let listeners = this.#listeners.get(name);
    if (!listeners) this.#listeners.set(name, (listeners = new Set()));
    listeners.add(listener);
    return () => {
      this.off(name, listener);
    };
  }

  /** Remove a listener. */
  off<Name extends keyof Events>(name: Name, listener: (detail: Events[Name]) => void): void {
    this.#listeners.get(name)?.delete(listener);
  }

  /** Call the listeners. If one throws, the error is reported and the others are still called. */
  protected emit<Name extends keyof Events>(name: Name, detail: Events[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        (listener as Listener<Events[Name]>)(detail);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
