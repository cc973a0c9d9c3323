/** The panel of the devices. */

import { canChooseSpeaker, listDevices, watchDevices, type Device } from "@fastrtc/client";
import { h, show } from "../view/dom";
import type { Layout } from "../view/layout";
import { Field, fillSelect, panel } from "./parts";

/** The roles of devices. */
export type Role = "microphone" | "camera" | "speaker";

/** The page's interface for the panel. */
export interface DevicesHost {
  layout(): Layout;
  chosen(role: Role): string;
  choose(role: Role, id: string): void;
}

/** Aliases that Chromium lists in addition to the devices. */
const ALIASES = ["default", "communications"];

const ROLES = [
  ["microphone", "Microphone", "microphones"],
  ["camera", "Camera", "cameras"],
  ["speaker", "Speaker", "speakers"],
] as const;

/** Microphone, camera and speaker. */
export class DevicesPanel {
  readonly root: HTMLElement;
  readonly #lists = new Map<Role, { field: Field; select: HTMLSelectElement }>();
  readonly #hint = h(
    "p",
    { class: "pg-hint" },
    "The browser names your devices once you have started.",
  );

  constructor(private readonly host: DevicesHost) {
    const body = h("div", { class: "pg-body" });
    for (const [role, title] of ROLES) {
      const select = h("select", {});
      select.addEventListener("change", () => {
        host.choose(role, select.value);
      });
      const field = new Field(title, select);
      this.#lists.set(role, { field, select });
      body.append(field.root);
    }
    body.append(this.#hint);
    this.root = panel("devices", "Devices", [], body);
    watchDevices(() => void this.refresh());
  }

  /** List the devices again, and mark those that are chosen. */
  async refresh(): Promise<void> {
    const found = await listDevices().catch(() => null);
    const layout = this.host.layout();
    const { microphone, camera, speaker } = layout;
    show(this.root, microphone || camera || (speaker && canChooseSpeaker()));
    let named = true;
    for (const [role, , name] of ROLES) {
      const list = this.#lists.get(role);
      if (!list) continue;
      const used = layout[role] && (role !== "speaker" || canChooseSpeaker());
      show(list.field.root, used);
      const devices = (found?.[name] ?? []).filter(isNamed);
      if (used && role !== "speaker" && devices.length === 0) named = false;
      const options = devices.map(({ id, label }) => [id, label] as const);
      fillSelect(list.select, [["", "System default"], ...options], this.host.chosen(role));
    }
    show(this.#hint, !named);
  }
}

function isNamed({ id, label }: Device): boolean {
  return label !== "" && !ALIASES.includes(id);
}
