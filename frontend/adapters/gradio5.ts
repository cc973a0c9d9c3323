/**
 * The component as Gradio 5 wants it: a class that its Svelte 4 makes with
 * `new Component({ target, props })`, over the runtime that the page shares.
 */

import type { Host, StreamValue } from "../view";
import type { Make, Shown } from "./shown";

/** What is used of Svelte 4's internals (seen in Gradio 5.0.2 to 5.50). */
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

/** What Svelte calls to create, mount, update and remove the elements. */
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

/** The place of `value` among the variables that Svelte keeps of the component. */
const VALUE = 0;

/** Makes the class. */
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

/** One component on the page. */
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
