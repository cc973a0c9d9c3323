/**
 * A single default export for all versions of Gradio, which call it in three ways.
 *
 * - Gradio 5: `new Component({ target, props })`, with Svelte 4 in a global;
 * - Gradio 6.0 to 6.8: `Component(anchor, props)`, with the page's own Svelte 5;
 * - Gradio 6.9 and newer: `mount(Component, { target, props })` of `svelte_runtime_entry.js`.
 */

import { gradio5Component, type Svelte4 } from "./gradio5";
import { isComponent, mountGradio6, type Gradio6Props, type SharedProps } from "./gradio6";
import type { Make } from "./shown";

/** The functions of Svelte 5 used with Gradio 6.0 to 6.8, which provides them in a context. */
interface Svelte5 {
  getContext(
    name: string,
  ): Record<"register" | "dispatcher", ((...args: never[]) => void) | undefined> | undefined;
  onDestroy(callback: () => void): void;
}

interface GradioWindow {
  __gradio__svelte__internal?: Svelte4;
  gradio_config?: { version?: string };
}

/** The export that Gradio imports. */
export interface GradioComponent {
  (first: unknown, second?: Gradio6Props): object;
  /** For Gradio 6.9 and newer; returns a function that removes the component. */
  mount: (target: Node, props: Gradio6Props) => () => void;
}

/** Create the export; await it, because some versions load the page's runtime first. */
export async function gradioComponent(make: Make): Promise<GradioComponent> {
  // In server-side rendering there is no window, and nothing is mounted.
  const page = (typeof window === "undefined" ? {} : window) as GradioWindow;
  const svelte4 = page.__gradio__svelte__internal;
  const svelte5 = svelte4 ? null : await loadSvelte5(page.gradio_config?.version ?? "");
  const Gradio5 = svelte4 && gradio5Component(svelte4, make);

  function Component(first: unknown, second?: Gradio6Props): object {
    if (Gradio5) return new Gradio5(first);
    const anchor = first as Node;
    if (!second || !anchor.parentNode) return {};
    svelte5?.onDestroy(mountGradio6(make, anchor.parentNode, anchor, withContext(second, svelte5)));
    return {};
  }
  Component.mount = (target: Node, props: Gradio6Props) => mountGradio6(make, target, null, props);
  return Component;
}

/** Add the functions that these versions provide in a context. */
function withContext(given: Gradio6Props, svelte5: Svelte5): Gradio6Props {
  if (!isComponent(given)) return given;
  const { register, dispatcher } = svelte5.getContext("GRADIO_ROOT") ?? {};
  const shared = { ...given.shared_props, register_component: register, dispatcher } as SharedProps;
  return { shared_props: shared, props: given.props };
}

async function loadSvelte5(version: string): Promise<Svelte5 | null> {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major !== 6 || minor > 8) return null;
  const address = new URL("../../../../../assets/svelte/svelte_svelte.js", import.meta.url).href;
  return (await import(/* @vite-ignore */ address)) as Svelte5;
}
