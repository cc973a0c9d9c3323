/** The functions that Gradio 6.9 and newer call to mount a component with its own runtime. */

import type { Gradio6Props } from "./gradio6";
import type { GradioComponent } from "./host";

/** Show the component; returns the argument for `unmount`. */
export function mount(
  component: GradioComponent,
  { target, props }: { target: Node; props: Gradio6Props },
): () => void {
  return component.mount(target, props);
}

/** Remove the component. */
export function unmount(remove: (() => void) | undefined): void {
  remove?.();
}

/** Gradio reads this; the component does not use Svelte. */
export const SVELTE_VERSION = {};
