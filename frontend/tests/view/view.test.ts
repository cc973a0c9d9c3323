// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FastRTCError } from "@fastrtc/client";
import { FakeConnection } from "../../dev/fake";
import { View } from "../../view";
import { START_SIGNAL } from "../../view/props";

let props: Record<string, unknown>;
let toasts: unknown[];
let connections: FakeConnection[];
let view: View | null = null;

function show(more: Record<string, unknown> = {}): void {
  props = { modality: "audio", mode: "send-receive", label: "Talk", server: {}, ...more };
  toasts = [];
  connections = [];
  view = new View(
    document.body,
    null,
    {
      props: () => props,
      dispatch: (event, detail) => toasts.push([event, detail]),
      setValue: (value) => {
        props["value"] = value;
      },
    },
    (options) => {
      const made = new FakeConnection(options);
      connections.push(made);
      return made.real;
    },
  );
}

function update(changes: Record<string, unknown>): void {
  Object.assign(props, changes);
  view?.update();
}

function connection(): FakeConnection {
  return connections.at(-1) as FakeConnection;
}

function connect(): void {
  main().click();
  connection().become("connecting");
  connection().become("connected");
}

function find(selector: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(selector);
  if (!found) throw new Error(`There is no ${selector}`);
  return found;
}

const main = (): HTMLElement => find(".frtc-main");
const button = (name: string): HTMLElement => find(`button[aria-label="${name}"]`);
const status = (): string | null => find("[role=status]").textContent;
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
const names = (): (string | null)[] =>
  [...document.querySelectorAll(".frtc-round")].map((one) => one.getAttribute("aria-label"));

beforeEach(() => {
  // The document double has no picture and no sound to play.
  vi.spyOn(HTMLMediaElement.prototype, "play").mockResolvedValue();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  localStorage.clear();
  view?.destroy();
  view = null;
  expect(document.body.childElementCount).toBe(0);
});

it("starts, shows that it waits, and stops", () => {
  show({ button_labels: { start: "Talk to Ada", waiting: "One moment", stop: "Hang up" } });
  expect(main().textContent).toBe("Talk to Ada");
  main().click();
  expect(main().textContent).toBe("One moment");
  expect(main().getAttribute("aria-label")).toBe("One moment: press to cancel");
  expect(status()).toBe("Allow the microphone in your browser");
  connection().become("connecting");
  connection().become("connected");
  expect(main().textContent).toBe("Hang up");
  expect(main().hasAttribute("aria-label")).toBe(false);
  main().click();
  expect(connection().state).toBe("stopped");
  expect(main().textContent).toBe("Talk to Ada");
});

it("cancels while it waits, and says so on the button", () => {
  show();
  main().click();
  expect(main().textContent).toBe("Cancel");
  expect(main().hasAttribute("aria-label")).toBe(false);
  main().click();
  expect(connection().state).toBe("stopped");
});

it("shows the conversation as it moves on", () => {
  show();
  connect();
  expect(status()).toBe("Listening");
  connection().converse("thinking");
  expect(status()).toBe("Thinking");
  expect(find(".frtc-panel").dataset["tone"]).toBe("thinking");
});

it("calls the other side by its name", () => {
  show({ assistant_name: "Ada" });
  connect();
  connection().converse("speaking");
  expect(status()).toBe("Ada is speaking");
  expect(find(".frtc-legend").textContent).toBe("YouAda");
  update({ assistant_name: "Bob" });
  expect(find(".frtc-legend").textContent).toBe("YouBob");
});

it("says why it failed, and forgets it at the next start", () => {
  show();
  main().click();
  connection().become("failed", new FastRTCError("no_device", "No microphone was found."));
  expect(find("[role=alert]").textContent).toBe("No microphone was found.");
  expect(find(".frtc-problem").hidden).toBe(false);
  main().click();
  expect(find(".frtc-problem").hidden).toBe(true);
  expect(find("[role=alert]").textContent).toBe("");
});

it.each([
  ["audio", "send-receive", ["Mute microphone", "Mute speaker"]],
  ["audio", "receive", ["Mute speaker"]],
  ["video", "send", ["Turn camera off"]],
  ["video", "receive", []],
  ["audio-video", "send-receive", ["Mute microphone", "Turn camera off", "Mute speaker"]],
])("has the buttons that %s, %s needs", (modality, mode, expected) => {
  show({ modality, mode });
  expect(names().filter((name) => /Mute|Turn/.test(name ?? ""))).toEqual(expected);
  expect(names()).toContain("Connection details");
});

it("mutes and says so in the names of the buttons", () => {
  show();
  connect();
  const silent = (): (string | null)[] =>
    [...document.querySelectorAll(".frtc-silent")].map((one) => one.textContent);
  expect(silent()).toEqual([]);
  button("Mute microphone").click();
  expect(silent()).toEqual(["You"]);
  expect(connection().muted.microphone).toBe(true);
  expect(status()).toBe("Microphone muted");
  button("Unmute microphone").click();
  expect(status()).toBe("Listening");
  button("Mute speaker").click();
  expect((find("audio") as HTMLAudioElement).muted).toBe(true);
  expect(status()).toBe("Listening, speaker muted");
  expect(silent()).toEqual(["Assistant"]);
  button("Unmute speaker").click();
  expect((find("audio") as HTMLAudioElement).muted).toBe(false);
});

it("says that the camera is off", () => {
  show({ modality: "video" });
  connect();
  button("Turn camera off").click();
  expect(status()).toBe("Camera off");
  expect(find(".frtc-own").classList.contains("frtc-off")).toBe(true);
  button("Turn camera on").click();
  expect(find(".frtc-own").classList.contains("frtc-off")).toBe(false);
});

it("shows where only the own picture is seen that the camera is off", () => {
  show({ modality: "video", mode: "send" });
  connect();
  const shape = find(".frtc-placeholder").innerHTML;
  button("Turn camera off").click();
  expect(find(".frtc-stage").classList.contains("frtc-picture-off")).toBe(true);
  expect(find(".frtc-placeholder").innerHTML).not.toBe(shape);
  button("Turn camera on").click();
  expect(find(".frtc-stage").classList.contains("frtc-picture-off")).toBe(false);
  expect(find(".frtc-placeholder").innerHTML).toBe(shape);
});

it.each([
  ["audio", "send-receive", [false]],
  ["video", "receive", [true]],
  ["video", "send-receive", [true, true]],
  ["audio-video", "send", [true]],
  ["audio-video", "receive", [false]],
  ["audio-video", "send-receive", [false, true]],
])("plays sound in %s, %s only where the server's is", (modality, mode, muted) => {
  show({ modality, mode });
  const players = document.querySelectorAll<HTMLMediaElement>("video, audio");
  expect([...players].map((player) => player.muted)).toEqual(muted);
});

it("opens one drawer at a time, and closes it with Escape", () => {
  show();
  button("Choose devices").click();
  const [devices, details] = document.querySelectorAll<HTMLElement>(".frtc-drawer");
  expect([devices?.hidden, details?.hidden]).toEqual([false, true]);
  expect(button("Choose devices").getAttribute("aria-expanded")).toBe("true");
  expect(button("Choose devices").getAttribute("aria-controls")).toBe(devices?.id);
  button("Connection details").click();
  expect([devices?.hidden, details?.hidden]).toEqual([true, false]);
  find(".frtc-panel").dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
  expect(details?.hidden).toBe(true);
  expect(document.activeElement).toBe(button("Connection details"));
});

it("shows the own picture mirrored and the received one as it is", () => {
  show({ modality: "video" });
  const [received, own] = document.querySelectorAll("video");
  expect(own?.classList.contains("frtc-mirrored")).toBe(true);
  expect(received?.classList.contains("frtc-mirrored")).toBe(false);
  update({ mirror_webcam: false });
  expect(own?.classList.contains("frtc-mirrored")).toBe(false);
});

it("starts and stops with the icon, which has its colours", () => {
  const look = { icon_button_color: "teal", pulse_color: "red", icon_radius: "20%" };
  show({ icon: "/phone.svg", ...look });
  const disc = find(".frtc-disc");
  expect(disc.style.getPropertyValue("--frtc-disc")).toBe("teal");
  expect(disc.style.getPropertyValue("--frtc-pulse")).toBe("red");
  expect(disc.style.getPropertyValue("--frtc-disc-radius")).toBe("20%");
  expect(find(".frtc-stage").dataset["kind"]).toBe("icon");
  disc.click();
  expect(connection().active).toBe(true);
});

it("shows the waves in place of an icon that does not load", () => {
  show({ icon: "/nothing.png" });
  const image = find(".frtc-face img");
  image.dispatchEvent(new Event("error"));
  expect(find(".frtc-stage").dataset["kind"]).toBe("waves");
  expect(find(".frtc-legend").textContent).toBe("YouAssistant");
  update({ icon: "/phone.svg" });
  image.dispatchEvent(new Event("load"));
  expect(find(".frtc-stage").dataset["kind"]).toBe("icon");
});

it("counts the time of a call, over a reconnection, and of the next one anew", () => {
  vi.useFakeTimers();
  show();
  const time = find("[role=timer]");
  expect(time.hidden).toBe(true);
  connect();
  vi.advanceTimersByTime(65_000);
  connection().become("reconnecting");
  vi.advanceTimersByTime(2000);
  expect([time.hidden, time.textContent]).toEqual([false, "1:07"]);
  connection().stop();
  expect(time.hidden).toBe(true);
  connect();
  expect(time.textContent).toBe("0:00");
  vi.useRealTimers();
});

it("shows captions once there is a transcript, and forgets them at the next start", () => {
  show({ assistant_name: "Ada" });
  connect();
  const captions = find("[role=log][aria-label=Captions]");
  connection().say("message", { type: "log", data: { who: "user", text: "no transcript" } });
  expect(captions.hidden).toBe(true);
  const say = (who: string, text: string, final: boolean): void => {
    connection().say("message", { type: "transcript", data: { who, text, final } });
  };
  say("user", "What", false);
  say("user", "What is it?", true);
  say("assistant", "A test.", true);
  expect(captions.hidden).toBe(false);
  const lines = (): (string | null)[] =>
    [...captions.querySelectorAll("p")].map((line) => line.textContent);
  expect(lines()).toEqual(["You What is it?", "Ada A test."]);
  say("user", "Thanks", true);
  expect(lines()).toEqual(["You What is it?", "Ada A test.", "You Thanks"]);
  connection().stop();
  connect();
  expect([captions.hidden, lines()]).toEqual([true, []]);
});

it("hides captions if the user does not want them, also in the next visit", () => {
  show();
  connect();
  const say = (): void => {
    connection().say("message", { type: "transcript", data: { who: "user", text: "Hello" } });
  };
  const captions = (): HTMLElement => find("[role=log]");
  expect(names()).toContain("Hide captions");
  expect(button("Hide captions").hidden).toBe(true);
  say();
  expect([button("Hide captions").hidden, captions().hidden]).toEqual([false, false]);
  button("Hide captions").click();
  expect([button("Show captions").hidden, captions().hidden]).toEqual([false, true]);
  view?.destroy();
  show();
  connect();
  say();
  expect(captions().hidden).toBe(true);
  button("Show captions").click();
  expect([captions().hidden, captions().textContent]).toEqual([false, "You Hello"]);
});

it("says that the conversation is recorded, and that it ended", () => {
  show();
  connect();
  const badge = find(".frtc-recording");
  expect([badge.getAttribute("aria-live"), badge.textContent]).toEqual(["polite", ""]);
  connection().say("message", { type: "recording", data: { active: true } });
  expect([badge.textContent, badge.classList.contains("frtc-on")]).toEqual(["Recording", true]);
  connection().stop();
  expect(badge.classList.contains("frtc-on")).toBe(false);
  expect(find(".frtc-recording .frtc-unseen").textContent).toBe("No longer recording");
});

it("shows the turns in the details, and asks the program for its records then", () => {
  show();
  connect();
  expect(connection().requests).toBe(0);
  connection().converse("heard");
  connection().converse("thinking");
  connection().converse("speaking");
  button("Connection details").click();
  expect(connection().requests).toBe(1);
  expect(find("[role=option]").getAttribute("aria-label")).toMatch(
    /^Turn 1: answered after about 0.91/,
  );
  const data = { number: 1, kind: "reply", ended_by: "stop_word" };
  connection().say("message", { type: "turn", data });
  expect(find("[role=option]").getAttribute("aria-label")).toMatch(/ended by a stop word/);
  connection().stop();
  expect(document.querySelectorAll("[role=option]").length).toBe(1);
  connect();
  expect(document.querySelectorAll("[role=option]").length).toBe(0);
});

it.each([
  ["audio", "receive", 0],
  ["video", "send-receive", 0],
  ["audio-video", "send-receive", 1],
])("has turns where there is a conversation: %s, %s", (modality, mode, expected) => {
  show({ modality, mode });
  expect(document.querySelectorAll(".frtc-timeline").length).toBe(expected);
});

it("moves the own picture to each corner, hides it and shows it again", () => {
  show({ modality: "audio-video" });
  const own = find(".frtc-own");
  const corners = ["bottom-left", "top-left", "top-right", "bottom-right"].map(() => {
    button("Move your picture").click();
    return own.dataset["corner"];
  });
  expect(corners).toEqual(["bottom-left", "top-left", "top-right", "bottom-right"]);
  button("Hide your picture").click();
  expect(own.classList.contains("frtc-folded")).toBe(true);
  button("Show your picture").click();
  expect(own.classList.contains("frtc-folded")).toBe(false);
});

it("says for a while that it is connected again", () => {
  vi.useFakeTimers();
  show();
  connect();
  connection().become("reconnecting");
  expect(status()).toBe("Connection lost, reconnecting");
  connection().become("connected", null, { resumed: true });
  expect(status()).toBe("Connected again");
  vi.advanceTimersByTime(4000);
  expect(status()).toBe("Listening");
  connection().become("reconnecting");
  connection().become("connected");
  expect(status()).toBe("Connected again, with a new conversation");
  connection().stop();
  expect(status()).toBe("Stopped");
});

it("says with Gradio that the server is lost, and after its reload why the call is over", async () => {
  show();
  connect();
  const toast = document.createElement("div");
  toast.dataset["testid"] = "toast-body";
  toast.textContent = "Connection to the server was lost. Attempting reconnection...";
  document.body.append(toast);
  await vi.waitFor(() => {
    expect(status()).toBe("Connection lost, reconnecting");
  });
  toast.remove();
  await vi.waitFor(() => {
    expect(status()).toBe("Listening");
  });
  window.dispatchEvent(new Event("pagehide"));
  view?.destroy();

  const entries = vi.spyOn(performance, "getEntriesByType");
  entries.mockReturnValue([{ type: "reload" } as unknown as PerformanceEntry]);
  show();
  expect(find("[role=alert]").textContent).toContain("The page was loaded anew");
  view?.destroy();
  show();
  expect(find("[role=alert]").textContent).toBe("");
  entries.mockRestore();
});

it("lists the messages of a call, the newest first", () => {
  show();
  connect();
  connection().say("message", { type: "log", data: "started_talking" });
  connection().say("sent", "hello");
  const rows = (): (string | null)[] =>
    [...document.querySelectorAll(".frtc-messages code")].map((code) => code.textContent);
  expect(rows()).toEqual(["hello", "log: started_talking"]);
  connection().become("reconnecting");
  connection().become("connecting");
  expect(rows()).toHaveLength(2);
  connection().stop();
  main().click();
  expect(rows()).toEqual([]);
});

it("follows new labels without a new connection", () => {
  show();
  connect();
  update({
    label: "Other",
    button_labels: { stop: "End" },
    elem_classes: ["mine"],
    visible: false,
  });
  expect(connections).toHaveLength(1);
  expect(connection().state).toBe("connected");
  expect(main().textContent).toBe("End");
  expect(find("section").getAttribute("aria-label")).toBe("Other");
  expect([...find(".frtc").classList]).toContain("mine");
  expect(find(".frtc").hidden).toBe(true);
  update({ elem_classes: null, visible: true });
  expect([...find(".frtc").classList]).not.toContain("mine");
});

it("begins anew when it becomes another kind of stream", () => {
  show();
  connect();
  update({ modality: "video" });
  expect(connections).toHaveLength(2);
  expect(connections[0]?.state).toBe("stopped");
  expect(document.querySelectorAll("section")).toHaveLength(1);
});

it("hands parameters to the connection for the next start", () => {
  const rtp_params = { degradationPreference: "maintain-resolution" };
  show({ track_constraints: { sampleRate: 24_000 }, rtp_params });
  expect(connection().options.trackConstraints).toEqual({ sampleRate: 24_000 });
  expect(connection().options.rtpParams).toEqual(rtp_params);
  expect(connection().options.metadata).toBeNull();
  update({ track_constraints: null });
  expect(connection().options.trackConstraints).toBeNull();
});

it("takes the configuration of the page, or asks the server for it", async () => {
  const own = { iceServers: [] };
  const asked = { iceServers: [{ urls: "turn:x.test" }] };
  show({ rtc_configuration: own, server: { turn: () => Promise.resolve(asked) } });
  const { rtcConfiguration } = connection().options;
  if (typeof rtcConfiguration !== "function") throw new Error("It is asked for at each start");
  expect(await rtcConfiguration()).toEqual(own);
  update({ rtc_configuration: null });
  expect(await rtcConfiguration()).toEqual(asked);
});

it("starts when Python says so, also while it is being shown", () => {
  show({ mode: "receive", value: START_SIGNAL });
  expect(connection().state).toBe("connecting");
});

it("shows handlers' errors as toasts", () => {
  vi.useFakeTimers();
  show();
  connect();
  connection().say("error", "The model is not there");
  vi.advanceTimersByTime(600);
  expect(toasts).toContainEqual(["error", "The model is not there"]);
});

it("shows errors where the picture would be until there is one", () => {
  show({ modality: "video" });
  connect();
  const picture = find("video.frtc-picture") as HTMLVideoElement;
  Object.defineProperty(picture, "videoWidth", { get: () => (picture.srcObject ? 640 : 0) });
  expect(status()).toBe("Waiting for the first picture");
  connection().say("error", "The model is not there");
  expect(find("[role=alert]").textContent).toBe("The model is not there");

  picture.srcObject = new MediaStream();
  picture.dispatchEvent(new Event("resize"));
  expect(status()).toBe("Live");
  expect(find(".frtc-problem").hidden).toBe(true);
  expect(toasts).not.toContainEqual(expect.arrayContaining(["error"]));
});

it("plays what the browser blocks at the next gesture that counts, and may be muted by it", async () => {
  const userActivation = { hasBeenActive: false };
  vi.stubGlobal(
    "navigator",
    Object.create(navigator, { userActivation: { value: userActivation } }),
  );
  const played: boolean[] = [];
  vi.spyOn(HTMLMediaElement.prototype, "play").mockImplementation(function (
    this: HTMLMediaElement,
  ) {
    played.push(!this.muted);
    const isBlocked = !this.muted && !userActivation.hasBeenActive;
    return isBlocked
      ? Promise.reject(new DOMException("No", "NotAllowedError"))
      : Promise.resolve();
  });
  show({ modality: "audio-video" });
  connect();
  const player = find("video.frtc-picture") as HTMLVideoElement;
  connection().say("remote", new MediaStream());
  await settle();
  expect(player.muted).toBe(true);
  document.dispatchEvent(new Event("pointerdown")); // of a finger, which browsers do not count
  document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
  await settle();
  expect(player.muted).toBe(true);
  userActivation.hasBeenActive = true;
  button("Mute speaker").dispatchEvent(new Event("pointerup", { bubbles: true }));
  await settle();
  expect(player.muted).toBe(false);
  expect(played.slice(-2)).toEqual([false, true]);
  button("Mute speaker").click();
  expect(player.muted).toBe(true);
});

it("has a text field in the textbox variant", () => {
  show({ variant: "textbox" });
  expect(find("textarea").getAttribute("aria-label")).toBe("Message");
  expect(status()).toBe("Type a message, or start to talk");
});

it("ends the connection when it is removed", () => {
  show();
  connect();
  view?.destroy();
  expect(connection().state).toBe("stopped");
  expect(document.querySelector(".frtc")).toBeNull();
});

describe("devices", () => {
  const named = (kind: string, deviceId: string): object => ({ kind, deviceId, label: deviceId });
  const setSinkId = vi.fn<(id: string) => Promise<void>>();
  let found: object[];

  beforeEach(() => {
    found = [
      named("audioinput", "usb"),
      named("audiooutput", "loud"),
      named("audiooutput", "quiet"),
    ];
    const enumerateDevices = (): Promise<object[]> => Promise.resolve(found);
    Object.defineProperty(navigator, "mediaDevices", {
      value: Object.assign(new EventTarget(), { enumerateDevices }),
      configurable: true,
    });
    setSinkId.mockReset().mockResolvedValue();
    Object.assign(HTMLMediaElement.prototype, { setSinkId });
  });

  afterEach(() => {
    Reflect.deleteProperty(navigator, "mediaDevices");
    Reflect.deleteProperty(HTMLMediaElement.prototype, "setSinkId");
  });

  const chosen = (): string[] =>
    [...document.querySelectorAll<HTMLInputElement>(".frtc-option input")]
      .filter((input) => input.checked)
      .map((input) => input.value);

  async function choose(id: string): Promise<void> {
    find(`.frtc-option input[value="${id}"]`).click();
    await settle();
  }

  it("are marked as the connection has them, also when one was unplugged", async () => {
    show();
    button("Choose devices").click();
    await settle();
    await choose("usb");
    expect(chosen()).toEqual(["usb", ""]);
    await connection().setMicrophone("");
    expect(chosen()).toEqual(["", ""]);
  });

  it("that play are marked only when they do", async () => {
    show();
    button("Choose devices").click();
    await settle();
    await choose("loud");
    expect(setSinkId).toHaveBeenCalledWith("loud");
    expect(chosen()).toEqual(["", "loud"]);
    setSinkId.mockRejectedValue(new DOMException("No", "NotAllowedError"));
    await choose("quiet");
    expect(chosen()).toEqual(["", "loud"]);
    expect(toasts).toContainEqual([
      "error",
      "The browser does not play on this speaker. Choose another one.",
    ]);
  });

  it("are offered to who only listens, for the volume or where the browser names some", async () => {
    show({ mode: "receive" });
    await settle();
    expect(button("Choose devices").hidden).toBe(false);
    view?.destroy();
    vi.spyOn(HTMLMediaElement.prototype, "volume", "get").mockReturnValue(1); // as on an iPhone
    found = [];
    show({ mode: "receive" });
    await settle();
    expect(button("Choose devices").hidden).toBe(true);
    vi.restoreAllMocks();
  });

  it("have the volume below the speakers, which unmutes what is played", async () => {
    show();
    button("Mute speaker").click();
    button("Choose devices").click();
    await settle();
    const slider = find("[aria-label=Volume]") as HTMLInputElement;
    slider.value = "40";
    slider.dispatchEvent(new Event("input"));
    const sound = find("audio") as HTMLAudioElement;
    expect([sound.volume, sound.muted]).toEqual([0.4, false]);
    expect(status()).toBe("The microphone is off until you start");
  });

  describe("the level of the microphone", () => {
    const stop = vi.fn();
    const getUserMedia = vi.fn();
    const query = vi.fn();

    beforeEach(() => {
      stop.mockReset();
      const stream = { getTracks: () => [{ stop }], getAudioTracks: () => [{}] };
      getUserMedia.mockReset().mockResolvedValue(stream);
      query.mockReset().mockResolvedValue({ state: "granted" });
      Object.assign(navigator.mediaDevices, { getUserMedia });
      Object.defineProperty(navigator, "permissions", { value: { query }, configurable: true });
    });

    afterEach(() => {
      Reflect.deleteProperty(navigator, "permissions");
    });

    const level = (): HTMLElement => find(".frtc-level:has([role=meter])");

    it("is shown with the list where the microphone is allowed, until it is closed", async () => {
      show();
      await settle();
      expect(getUserMedia).not.toHaveBeenCalled();
      button("Choose devices").click();
      await settle();
      expect(getUserMedia).toHaveBeenCalledOnce();
      expect(level().hidden).toBe(false);
      expect(status()).toBe("Testing the microphone, nothing is sent");
      button("Choose devices").click();
      expect(stop).toHaveBeenCalledOnce();
      expect(level().hidden).toBe(true);
      expect(status()).toBe("The microphone is off until you start");
    });

    it("asks for nothing where it is not allowed, or the browser does not tell", async () => {
      query.mockResolvedValueOnce({ state: "prompt" }).mockRejectedValueOnce(new TypeError());
      show();
      for (const attempt of [1, 2]) {
        button("Choose devices").click();
        await settle();
        expect([attempt, level().hidden]).toEqual([attempt, true]);
        button("Choose devices").click();
      }
      expect(getUserMedia).not.toHaveBeenCalled();
    });

    it("gives the microphone back before a call opens it, and shows the call's", async () => {
      show();
      button("Choose devices").click();
      await settle();
      connect();
      await settle();
      expect(stop).toHaveBeenCalledOnce();
      expect(getUserMedia).toHaveBeenCalledOnce();
      expect(level().hidden).toBe(false);
    });

    it("is that of the microphone that was chosen", async () => {
      show();
      button("Choose devices").click();
      await settle();
      await choose("usb");
      await settle();
      expect(stop).toHaveBeenCalledOnce();
      const [constraints] = getUserMedia.mock.lastCall as [{ audio: MediaTrackConstraints }];
      expect(constraints.audio.deviceId).toEqual({ exact: "usb" });
    });

    it("is closed when it opens too late", async () => {
      show();
      button("Choose devices").click();
      button("Choose devices").click();
      await settle();
      expect(stop.mock.calls.length).toBe(getUserMedia.mock.calls.length);
      expect(level().hidden).toBe(true);
    });
  });
});
