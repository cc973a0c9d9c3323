/** Detects that Gradio's page has lost the server: it shows a message, and reloads itself. */

/** The messages of Gradio 6 and Gradio 5, which are not translated. */
const LOST = /Connection (to the server was lost|errored out)/;

/** Calls back when Gradio shows that the server is lost, and when it no longer does. */
export class LostServerWatch {
  #lost = false;
  readonly #observer = new MutationObserver(() => {
    const toasts = [...document.querySelectorAll('[data-testid="toast-body"]')];
    this.#tell(toasts.some(({ textContent }) => LOST.test(textContent)));
  });

  constructor(private readonly changed: () => void) {}

  /** Whether the message is shown. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Start or stop watching. */
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

/** Record that the page was unloaded during a call; the label is that of the view. */
export function rememberCall(label: string): void {
  withStorage((storage) => {
    storage.setItem(key(label), "");
  });
}

/** Return whether this page was reloaded during a call, once. */
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
    return null; // the browser stores nothing for this page
  }
}
