/** The drawer for device selection: lists that stay open and cover nothing. */

import {
  canChooseSpeaker,
  listDevices,
  watchDevices,
  type Device,
  type DeviceList,
} from "@fastrtc/client";
import { askForSpeaker, canAskForSpeaker } from "@fastrtc/client/internal";
import { h, newId, show } from "./dom";
import type { Layout } from "./layout";

/** The roles of devices. */
export type Role = "microphone" | "camera" | "speaker";

/** The selected device for each role; "" is the browser's default. */
export type Choices = Record<Role, string>;

/** The view's interface for the drawer. */
export interface DevicesHost {
  choices(): Choices;
  choose(role: Role, id: string): Promise<void>;
  /** Request the permission without which browsers do not reveal names. */
  allow(): Promise<void>;
  /** The element below a list, if any: the microphone level, the volume. */
  extra(role: Role): HTMLElement | null;
}

const LISTS: Record<Role, keyof DeviceList> = {
  microphone: "microphones",
  camera: "cameras",
  speaker: "speakers",
};
const TITLES: Record<Role, string> = {
  microphone: "Microphone",
  camera: "Camera",
  speaker: "Speaker",
};
/** Aliases that Chromium lists in addition to the devices. */
const ALIASES = ["default", "communications"];

/** Whether speakers can be selected: most browsers list none before permission. */
export async function offersSpeakers(): Promise<boolean> {
  return canChooseSpeaker() && (canAskForSpeaker() || hasNames((await listDevices()).speakers));
}

/** The drawer. */
export class DevicesDrawer {
  readonly root: HTMLElement;
  readonly id = newId("devices");
  readonly #lists = h("div", { class: "frtc-lists" });
  readonly #roles: Role[];
  readonly #inputs = new Map<Role, HTMLInputElement[]>();
  #unwatch: (() => void) | null = null;

  constructor(
    layout: Layout,
    private readonly host: DevicesHost,
  ) {
    this.#roles = (["microphone", "camera", "speaker"] as const).filter(
      (role) => layout[role] && (role !== "speaker" || canChooseSpeaker() || host.extra(role)),
    );
    this.root = h(
      "div",
      { class: "frtc-drawer", id: this.id, role: "group", "aria-label": "Devices", hidden: true },
      this.#lists,
    );
  }

  /** Show or hide it. */
  open(open: boolean): void {
    show(this.root, open);
    this.#unwatch?.();
    this.#unwatch = open ? watchDevices(() => void this.refresh()) : null;
    if (open) void this.refresh();
  }

  /** Update the lists of devices. */
  async refresh(): Promise<void> {
    if (this.root.hidden) return;
    const found = await listDevices();
    const focused = this.#lists.contains(document.activeElement);
    const lists = this.#roles.map((role) => this.#list(role, found[LISTS[role]]));
    const unknown = this.#roles.some((role) => role !== "speaker" && !hasNames(found[LISTS[role]]));
    this.#lists.replaceChildren(...lists, ...(unknown ? [this.#permission()] : []));
    this.follow();
    if (focused) this.#lists.querySelector<HTMLElement>("input:checked, button")?.focus();
  }

  /** Mark the selected device, or none if it is unplugged, so that all can be selected. */
  follow(): void {
    const choices = this.host.choices();
    for (const [role, inputs] of this.#inputs) {
      for (const input of inputs) input.checked = input.value === choices[role];
    }
  }

  #list(role: Role, devices: Device[]): HTMLElement {
    const extra = this.host.extra(role);
    const title = h("legend", {}, TITLES[role]);
    if (role === "speaker" && !canChooseSpeaker()) return h("fieldset", {}, title, extra);
    const group = newId(role);
    const named = devices.filter(({ id, label }) => label !== "" && !ALIASES.includes(id));
    const inputs: HTMLInputElement[] = [];
    const options = [{ id: "", label: "System default" }, ...named].map(({ id, label }) => {
      const input = h("input", { type: "radio", name: group, value: id });
      input.addEventListener("change", () => void this.host.choose(role, id));
      inputs.push(input);
      return h("label", { class: "frtc-option" }, input, h("span", {}, label));
    });
    this.#inputs.set(role, inputs);
    const more = role === "speaker" && canAskForSpeaker() ? this.#otherSpeaker() : null;
    return h("fieldset", {}, title, ...options, more, extra);
  }

  /** Whether the browser lists only speakers selected in its own dialog. */
  #otherSpeaker(): HTMLElement {
    const button = h("button", { class: "frtc-plain", type: "button" }, "Choose another one");
    button.addEventListener("click", () => {
      void askForSpeaker().then(async (id) => {
        if (id === null) return;
        await this.host.choose("speaker", id);
        await this.refresh();
      });
    });
    return button;
  }

  #permission(): HTMLElement {
    const button = h("button", { class: "frtc-plain", type: "button" }, "Show my devices");
    button.addEventListener("click", () => {
      void this.host.allow().then(() => this.refresh());
    });
    return h(
      "p",
      { class: "frtc-hint" },
      "The browser names your devices once you allow this page to use them. ",
      button,
    );
  }

  destroy(): void {
    this.#unwatch?.();
    this.root.remove();
  }
}

function hasNames(devices: Device[]): boolean {
  return devices.some(({ label }) => label !== "");
}
