/** The drawer in which devices are chosen: lists that stay open and cover nothing. */

import {
  canChooseSpeaker,
  listDevices,
  watchDevices,
  type Device,
  type DeviceList,
} from "../client";
import { askForSpeaker, canAskForSpeaker } from "../client/devices";
import { h, newId, show } from "./dom";
import type { Layout } from "./layout";

/** What can be chosen. */
export type Role = "microphone" | "camera" | "speaker";

/** The device chosen for each role; "" is the browser's default. */
export type Choices = Record<Role, string>;

/** What the drawer needs of its view. */
export interface DevicesHost {
  choices(): Choices;
  choose(role: Role, id: string): Promise<void>;
  /** Asks for the permission without which browsers do not tell the names. */
  allow(): Promise<void>;
  /** What stands below a list, if anything: the level of the microphone, the volume. */
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
/** Chromium lists these two beside the devices they stand for. */
const ALIASES = ["default", "communications"];

/** Whether there are speakers to choose from: most browsers name none before a permission. */
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

  /** Shows or hides it. */
  open(open: boolean): void {
    show(this.root, open);
    this.#unwatch?.();
    this.#unwatch = open ? watchDevices(() => void this.refresh()) : null;
    if (open) void this.refresh();
  }

  /** Lists the devices anew. */
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

  /** Marks what is chosen; nothing while that is not plugged in, so that all can be chosen. */
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

  /** The browser names only the speakers that were chosen in its own list. */
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
