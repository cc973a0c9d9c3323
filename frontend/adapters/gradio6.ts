/** The component for Gradio 6: it registers itself, and exchanges events by its id. */

import type { Host, StreamValue } from "../view";
import type { Make, Shown } from "./shown";

type SetData = (data: Record<string, unknown>) => void;
type GetData = () => Promise<Record<string, unknown>>;

/** What Gradio 6 shares with all components (checked with 6.0.2 to 6.31). */
export interface SharedProps {
  id: number;
  register_component?: (id: number, setData: SetData, getData: GetData) => void;
  unregister_component?: (id: number, setData: SetData) => void;
  dispatcher?: (id: number, event: string, detail?: unknown) => void;
  [name: string]: unknown;
}

/** The parameters that Gradio 6 passes to a component. */
export interface ComponentProps {
  shared_props: SharedProps;
  props: Record<string, unknown>;
}

/** The props; a cell of `gr.Examples` gets its parameters directly. */
export type Gradio6Props = ComponentProps | Record<string, unknown>;

/** Whether these are the props of a component on the page, not of an example cell. */
export function isComponent(given: Gradio6Props): given is ComponentProps {
  return typeof given["shared_props"] === "object";
}

/** Show the component before the anchor; returns a function that removes it. */
export function mountGradio6(
  make: Make,
  target: Node,
  anchor: Node | null,
  given: Gradio6Props,
): () => void {
  const shared: SharedProps | null = isComponent(given) ? given.shared_props : null;
  const own: Record<string, unknown> = isComponent(given) ? given.props : given;
  const data: Record<string, unknown> = { ...shared, ...own };
  // Assigned after the view is created, and before anything can call it.
  let view: Shown | null = null;
  const setData: SetData = (changed) => {
    Object.assign(data, changed);
    view?.update();
  };
  const getData: GetData = () =>
    Promise.resolve(
      Object.fromEntries([...Object.keys(own), "value"].map((name) => [name, data[name]])),
    );
  const host: Host = {
    props: () => data,
    dispatch: (event, detail) => shared?.dispatcher?.(shared.id, event, detail),
    setValue: (value: StreamValue) => {
      setData({ value });
    },
  };
  view = make(target, anchor, host);
  shared?.register_component?.(shared.id, setData, getData);
  return () => {
    shared?.unregister_component?.(shared.id, setData);
    view.destroy();
  };
}
