// @vitest-environment happy-dom
import { expect, it } from "vitest";
import {
  mountGradio6,
  type ComponentProps,
  type Gradio6Props,
  type SharedProps,
} from "../../adapters/gradio6";
import type { Host } from "../../view";

type Register = NonNullable<SharedProps["register_component"]>;

/** What a page of Gradio 6 gives and takes. */
function page() {
  const events: unknown[] = [];
  const registered = new Map<number, Parameters<Register>>();
  const props: ComponentProps = {
    shared_props: {
      id: 7,
      visible: true,
      register_component: (...all) => registered.set(all[0], all),
      unregister_component: (id) => registered.delete(id),
      dispatcher: (...all) => events.push(all),
    },
    props: { value: "a", label: "Talk" },
  };
  return { events, registered, props };
}

function mount(props: Gradio6Props) {
  const shown = { host: null as unknown as Host, updates: 0, gone: false };
  const remove = mountGradio6(
    (_parent, _anchor, host) => {
      shown.host = host;
      return { update: () => (shown.updates += 1), destroy: () => (shown.gone = true) };
    },
    document.body,
    null,
    props,
  );
  return { shown, remove };
}

it("merges what is shared with its own parameters", () => {
  const { shown } = mount(page().props);
  expect(shown.host.props()).toMatchObject({ id: 7, visible: true, value: "a", label: "Talk" });
});

it("registers itself, follows the page, and gives its own parameters back", async () => {
  const { props, registered } = page();
  const { shown } = mount(props);
  const [, setData, getData] = registered.get(7) as Parameters<Register>;
  setData({ label: "Other", visible: false });
  expect(shown.updates).toBe(1);
  expect(shown.host.props()).toMatchObject({ label: "Other", visible: false });
  shown.host.setValue("b");
  expect(await getData()).toEqual({ value: "b", label: "Other" });
});

it("dispatches events by its id, with the value already set", async () => {
  const { props, registered, events } = page();
  const { shown } = mount(props);
  shown.host.setValue("b");
  shown.host.dispatch("tick");
  expect(events).toEqual([[7, "tick", undefined]]);
  expect(await registered.get(7)?.[2]()).toMatchObject({ value: "b" });
});

it("unregisters itself and goes", () => {
  const { props, registered } = page();
  const { shown, remove } = mount(props);
  remove();
  expect(registered.size).toBe(0);
  expect(shown.gone).toBe(true);
});

it("shows a cell of examples, which is no component of the page", () => {
  const { shown, remove } = mount({ value: "a", type: "table" });
  expect(shown.host.props()).toEqual({ value: "a", type: "table" });
  shown.host.dispatch("change"); // nobody listens
  remove();
  expect(shown.gone).toBe(true);
});
