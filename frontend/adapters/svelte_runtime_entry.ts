/** What Gradio calls from 6.9 on to mount a component that brings its own runtime. */

import type { Gradio6Props } from "./gradio6";
import type { GradioComponent } from "./host";

/** Shows the component; gives what `unmount` takes. */
export function mount(
  component: GradioComponent,
  { target, props }: { target: Node; props: Gradio6Props },
): () => void {
  return component.mount(target, props);
}

/** Removes the component. */
export function unmount(remove: (() => void) | undefined): void {
  remove?.();
}

/** Gradio reads it; there is no Svelte here. */
export const SVELTE_VERSION = {};
