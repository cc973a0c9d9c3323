// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DevicesDrawer, offersSpeakers, type Choices, type Role } from "../../view/devices";
import { layoutOf } from "../../view/layout";

type Entry = Pick<MediaDeviceInfo, "kind" | "deviceId" | "label">;

const NAMED: Entry[] = [
  { kind: "audioinput", deviceId: "default", label: "Default - Desk microphone" },
  { kind: "audioinput", deviceId: "desk", label: "Desk microphone" },
  { kind: "audioinput", deviceId: "usb", label: "Headset" },
  { kind: "videoinput", deviceId: "front", label: "Front camera" },
  { kind: "audiooutput", deviceId: "loud", label: "Loudspeaker" },
];
/** What browsers tell before a permission. */
const UNNAMED: Entry[] = ["audioinput", "videoinput"].map((kind) => ({
  kind: kind as MediaDeviceKind,
  deviceId: "",
  label: "",
}));

const enumerateDevices = vi.fn<() => Promise<Entry[]>>();
const selectAudioOutput = vi.fn<() => Promise<Entry>>();
const host = {
  choices: vi.fn<() => Choices>(),
  choose: vi.fn(() => Promise.resolve()),
  allow: vi.fn(() => Promise.resolve()),
  extra: vi.fn<(role: Role) => HTMLElement | null>(() => null),
};
let devices: EventTarget;
let drawer: DevicesDrawer | null = null;

beforeEach(() => {
  vi.clearAllMocks();
  host.choices.mockReturnValue({ microphone: "", camera: "", speaker: "" });
  enumerateDevices.mockResolvedValue(NAMED);
  devices = Object.assign(new EventTarget(), { enumerateDevices });
  Object.defineProperty(navigator, "mediaDevices", { value: devices, configurable: true });
  Object.assign(HTMLMediaElement.prototype, { setSinkId: () => Promise.resolve() });
});

afterEach(() => {
  drawer?.destroy();
  drawer = null;
  Reflect.deleteProperty(HTMLMediaElement.prototype, "setSinkId");
});

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

async function open(...layout: Parameters<typeof layoutOf>): Promise<DevicesDrawer> {
  drawer = new DevicesDrawer(layoutOf(...layout), host);
  document.body.append(drawer.root);
  drawer.open(true);
  await settle();
  return drawer;
}

const all = <Kind extends Element>(selector: string): Kind[] => [
  ...document.body.querySelectorAll<Kind>(selector),
];
/** The lists: their titles and options, the chosen ones with a star. */
const lists = (): string[][] =>
  all("fieldset").map((list) => [
    list.querySelector("legend")?.textContent ?? "",
    ...[...list.querySelectorAll("label")].map(
      (option) => `${option.textContent}${option.querySelector("input")?.checked ? " *" : ""}`,
    ),
  ]);
const option = (value: string): HTMLInputElement => {
  const found = all<HTMLInputElement>("input").find((input) => input.value === value);
  if (!found) throw new Error(`There is no ${value}`);
  return found;
};
const button = (): HTMLButtonElement | undefined => all<HTMLButtonElement>("button")[0];

describe("the lists", () => {
  it("are those of what is sent and played, by name and without aliases", async () => {
    host.choices.mockReturnValue({ microphone: "usb", camera: "", speaker: "" });
    await open("audio-video", "send-receive");
    expect(lists()).toEqual([
      ["Microphone", "System default", "Desk microphone", "Headset *"],
      ["Camera", "System default *", "Front camera"],
      ["Speaker", "System default *", "Loudspeaker"],
    ]);
    expect(button()).toBeUndefined();
  });

  it.each([
    ["audio", "send", ["Microphone"]],
    ["audio", "receive", ["Speaker"]],
    ["video", "send-receive", ["Camera"]],
    ["video", "receive", []],
  ] as const)("of %s, %s are %s", async (modality, mode, titles) => {
    await open(modality, mode);
    expect(lists().map(([title]) => title)).toEqual(titles);
  });

  it("have no speakers where the browser cannot choose one", async () => {
    Reflect.deleteProperty(HTMLMediaElement.prototype, "setSinkId");
    await open("audio", "send-receive");
    expect(lists().map(([title]) => title)).toEqual(["Microphone"]);
  });

  it("have below them what the view gives, a speaker that cannot be chosen too", async () => {
    Reflect.deleteProperty(HTMLMediaElement.prototype, "setSinkId");
    const extras: Record<string, HTMLElement> = {};
    for (const role of ["microphone", "speaker"]) {
      extras[role] = document.createElement("hr");
    }
    host.extra.mockImplementation((role) => extras[role] ?? null);
    await open("audio", "send-receive");
    expect(lists()).toEqual([
      ["Microphone", "System default *", "Desk microphone", "Headset"],
      ["Speaker"],
    ]);
    expect(all("fieldset").map((list) => list.lastElementChild)).toEqual(Object.values(extras));
    host.extra.mockReturnValue(null);
  });

  it("follow what is plugged in and out, until the drawer is closed", async () => {
    const made = await open("audio", "send");
    enumerateDevices.mockResolvedValue(NAMED.slice(0, 2));
    devices.dispatchEvent(new Event("devicechange"));
    await settle();
    expect(lists()).toEqual([["Microphone", "System default *", "Desk microphone"]]);
    made.open(false);
    enumerateDevices.mockClear();
    devices.dispatchEvent(new Event("devicechange"));
    await made.refresh();
    expect(enumerateDevices).not.toHaveBeenCalled();
  });

  it("keep the focus on what is chosen", async () => {
    const made = await open("audio", "send");
    option("").focus();
    await made.refresh();
    expect(document.activeElement).toBe(option(""));
  });
});

describe("choosing", () => {
  it("tells the view", async () => {
    await open("audio", "send-receive");
    option("usb").click();
    expect(host.choose).toHaveBeenCalledWith("microphone", "usb");
    option("loud").click();
    expect(host.choose).toHaveBeenCalledWith("speaker", "loud");
  });

  it("is undone when the view says otherwise", async () => {
    const made = await open("audio", "send");
    option("usb").click();
    made.follow();
    expect(lists()).toEqual([["Microphone", "System default *", "Desk microphone", "Headset"]]);
  });

  it("is open to everything while the chosen one is not plugged in", async () => {
    host.choices.mockReturnValue({ microphone: "gone", camera: "", speaker: "" });
    await open("audio", "send");
    expect(lists()).toEqual([["Microphone", "System default", "Desk microphone", "Headset"]]);
    option("").click();
    expect(host.choose).toHaveBeenCalledWith("microphone", "");
  });
});

describe("the permission", () => {
  it("is asked for where the browser tells no names", async () => {
    enumerateDevices.mockResolvedValue(UNNAMED);
    await open("audio", "send");
    expect(lists()).toEqual([["Microphone", "System default *"]]);
    expect(button()?.textContent).toBe("Show my devices");
    enumerateDevices.mockResolvedValue(NAMED);
    button()?.click();
    await settle();
    expect(host.allow).toHaveBeenCalledOnce();
    expect(lists()).toEqual([["Microphone", "System default *", "Desk microphone", "Headset"]]);
    expect(button()).toBeUndefined();
  });
});

describe("speakers alone", () => {
  it("are offered where the browser names them", async () => {
    expect(await offersSpeakers()).toBe(true);
    enumerateDevices.mockResolvedValue(UNNAMED);
    expect(await offersSpeakers()).toBe(false);
    Object.assign(devices, { selectAudioOutput });
    expect(await offersSpeakers()).toBe(true);
    Reflect.deleteProperty(HTMLMediaElement.prototype, "setSinkId");
    expect(await offersSpeakers()).toBe(false);
  });

  it("are chosen in the browser's own list where it has one", async () => {
    Object.assign(devices, { selectAudioOutput });
    enumerateDevices.mockResolvedValue([]);
    await open("audio", "receive");
    expect(button()?.textContent).toBe("Choose another one");

    selectAudioOutput.mockRejectedValueOnce(new DOMException("No", "NotAllowedError"));
    button()?.click();
    await settle();
    expect(host.choose).not.toHaveBeenCalled();

    const [speaker] = NAMED.slice(-1) as [Entry];
    selectAudioOutput.mockResolvedValue(speaker);
    enumerateDevices.mockResolvedValue([speaker]);
    host.choose.mockImplementation(() => {
      host.choices.mockReturnValue({ microphone: "", camera: "", speaker: "loud" });
      return Promise.resolve();
    });
    button()?.click();
    await settle();
    expect(host.choose).toHaveBeenCalledWith("speaker", "loud");
    expect(lists()).toEqual([["Speaker", "System default", "Loudspeaker *"]]);
  });
});
