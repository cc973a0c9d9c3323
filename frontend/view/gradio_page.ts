/** What Gradio's own page does when it has lost the server: it says so, and loads itself anew. */

/** What Gradio 6 and Gradio 5 say; they do not translate it. */
const LOST = /Connection (to the server was lost|errored out)/;

/** Calls back when Gradio says that the server is lost, and when it no longer does. */
export class LostServerWatch {
  #lost = false;
  readonly #observer = new MutationObserver(() => {
    const toasts = [...document.querySelectorAll('[data-testid="toast-body"]')];
    this.#tell(toasts.some(({ textContent }) => LOST.test(textContent)));
  });

  constructor(private readonly changed: () => void) {}

  /** Whether it says so now. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Watches only while it matters. */
  watch(on: boolean): void {
    this.#observer.disconnect();
    if (on) this.#observer.observe(document.body, { childList: true, subtree: true });
    else this.#tell(false);
  }

  #tell(lost: boolean): void {
    if (this.#lost === lost) return;
    this.#lost = lost;
    this.changed();
  }
}

/** Remembers that a page went away during a call; the label is that of the view. */
export function rememberCall(label: string): void {
  withStorage((storage) => {
    storage.setItem(key(label), "");
  });
}

/** Whether this page was loaded anew during a call; asked again it is forgotten. */
export function wasReloadedInCall(label: string): boolean {
  const found = withStorage((storage) => {
    const kept = storage.getItem(key(label));
    storage.removeItem(key(label));
    return kept;
  });
  const [navigation] = performance.getEntriesByType("navigation");
  return (
    found != null && (navigation as PerformanceNavigationTiming | undefined)?.type === "reload"
  );
}

function key(label: string): string {
  return `fastrtc-call ${location.pathname} ${label}`;
}

function withStorage<Result>(use: (storage: Storage) => Result): Result | null {
  try {
    return use(sessionStorage);
  } catch {
    return null; // the browser keeps nothing for this page
  }
}
