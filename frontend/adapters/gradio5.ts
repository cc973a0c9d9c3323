/**
 * The component for Gradio 5: a class that Svelte 4 instantiates with
 * `new Component({ target, props })`, using the runtime that the page shares.
 */

import type { Host, StreamValue } from "../view";
import type { Make, Shown } from "./shown";

/** The internals of Svelte 4 that are used here (checked with Gradio 5.0.2 to 5.50). */
export interface Svelte4 {
  SvelteComponent: new () => object;
  init(
    component: object,
    options: unknown,
    instance: (self: Instance, props: Props, invalidate: Invalidate) => unknown[],
    fragment: () => Fragment,
    notEqual: unknown,
    props: Record<string, number>,
    styles: null,
    dirty: number[],
  ): void;
  safe_not_equal: unknown;
}

type Invalidate = (index: number, value: unknown) => void;

interface Props extends Record<string, unknown> {
  gradio?: { dispatch(event: string, detail?: unknown): void };
}

interface Instance {
  $$set?: (changed: Props) => void;
}

/** The functions that Svelte calls to create, mount, update and remove the elements. */
interface Fragment {
  c(): void;
  l(): void;
  h(): void;
  m(target: Node, anchor: Node | null): void;
  p(): void;
  i(): void;
  o(): void;
  d(): void;
}

/** The index of `value` among the component's variables in Svelte. */
const VALUE = 0;

/** Create the class. */
export function gradio5Component(svelte: Svelte4, make: Make): new (options: unknown) => object {
  return class extends svelte.SvelteComponent {
    constructor(options: unknown) {
      super();
      const place = new Place(make);
      svelte.init(
        this,
        options,
        (self, props, invalidate) => place.instance(self, props, invalidate),
        () => place.fragment(),
        svelte.safe_not_equal,
        { value: VALUE },
        null,
        [-1],
      );
    }
  };
}

/** A component on the page. */
class Place implements Host {
  #props: Props = {};
  #invalidate: Invalidate = () => undefined;
  #view: Shown | null = null;

  constructor(private readonly make: Make) {}

  instance(self: Instance, props: Props, invalidate: Invalidate): unknown[] {
    this.#props = { ...props };
    this.#invalidate = invalidate;
    self.$$set = (changed) => {
      this.#props = { ...this.#props, ...changed };
      if ("value" in changed) invalidate(VALUE, changed["value"]);
      this.#view?.update();
    };
    return [props["value"]];
  }

  fragment(): Fragment {
    const nothing = (): void => undefined;
    return {
      c: nothing,
      l: nothing,
      h: nothing,
      m: (target, anchor) => {
        this.#view = this.make(target, anchor, this);
      },
      p: nothing,
      i: nothing,
      o: nothing,
      d: () => {
        this.#view?.destroy();
        this.#view = null;
      },
    };
  }

  props(): Record<string, unknown> {
    return this.#props;
  }

  dispatch(event: string, detail?: unknown): void {
    this.#props.gradio?.dispatch(event, detail);
  }

  setValue(value: StreamValue): void {
    this.#props["value"] = value;
    this.#invalidate(VALUE, value);
    this.#view?.update();
  }
}
