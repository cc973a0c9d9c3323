/** The panel of the conversation: state, levels, pictures, and the buttons. */

import type { Connection } from "@fastrtc/client";
import { Clock } from "../view/clock";
import { h, setAttribute, setText, show } from "../view/dom";
import { Frames } from "../view/frames";
import { HistoryChart, LevelHistory } from "../view/history";
import { icon as viewIcon, setIcon } from "../view/icons";
import type { Layout } from "../view/layout";
import type { Status } from "../view/status";
import { TalkButton } from "../view/talk";
import { Voice } from "../view/voices";
import { icon } from "./icons";
import { iconButton, rename } from "./parts";
import type { Problem } from "./target";

/** The buttons of the panel. */
export interface StageHost {
  connection: Connection;
  press(): void;
  /** Look for the stream again. */
  retry(): void;
  /** Show a remark for a while. */
  tell(notice: string): void;
}

/** What the panel shows. */
export interface Shown {
  status: Status;
  layout: Layout;
  problem: Problem | null;
  /** Whether a problem is not one of the user's making or the program's decision. */
  severe: boolean;
  /** Whether the stream was not found, and may be looked for again. */
  mayLook: boolean;
  /** A remark that does not end the connection; "" for none. */
  notice: string;
  /** What is known of a reconnect; "" for none. */
  progress: string;
}

/** Interval at which the figure of a level changes, so that it can be read, in ms. */
const FIGURE_EVERY = 250;

const WORDS = { start: "Start", waiting: "Cancel", stop: "Stop" } as const;

/** The panel. */
export class StagePanel {
  readonly root: HTMLElement;
  /** Plays the sound that is received. */
  readonly audio = h("audio", { autoplay: true });
  readonly picture = h("video", { class: "pg-picture", autoplay: true, playsinline: true });
  readonly #self = h("video", { class: "pg-self", autoplay: true, playsinline: true });
  readonly #status = h("span", {});
  readonly #progress = h("span", { class: "pg-progress" });
  readonly #clock = new Clock();
  readonly #recording = h("span", { class: "pg-recording", hidden: true }, "Recording");
  readonly #transport = h("span", { class: "pg-chip", hidden: true });
  readonly #id: HTMLButtonElement;
  readonly #problem = h("div", { class: "pg-problem", role: "alert", hidden: true });
  readonly #sentence = h("p", {});
  readonly #advice = h("p", { class: "pg-advice" });
  readonly #retry = h("button", { class: "pg-plain", type: "button" }, "Look again");
  readonly #notice = h("p", { class: "pg-notice", role: "status", hidden: true });
  readonly #view: HTMLElement;
  readonly #history = new LevelHistory();
  #chart: HistoryChart | null = null;
  readonly #chartPlace = h("div", { class: "pg-chart" });
  readonly #voices = { sent: new Voice(), received: new Voice() };
  readonly #meters = {
    sent: new LevelMeter("You", "sent"),
    received: new LevelMeter("Program", "received"),
  };
  readonly #main: HTMLButtonElement;
  readonly #mainIcon = viewIcon("start");
  readonly #mainLabel = h("span", {}, WORDS.start);
  readonly #microphone: HTMLButtonElement;
  readonly #camera: HTMLButtonElement;
  readonly #speaker: HTMLButtonElement;
  readonly #talk: TalkButton;
  readonly #frames = new Frames((time, elapsed) => {
    this.#draw(time, elapsed);
  });
  #layout: Layout | null = null;
  #speakerMuted = false;

  constructor(private readonly host: StageHost) {
    const { connection } = host;
    this.#self.muted = true;
    this.#id = iconButton("Copy the connection id", icon("copy"), () => {
      void this.#copy(connection.id ?? "");
    });
    this.#id.classList.add("pg-id");
    this.#retry.addEventListener("click", () => {
      host.retry();
    });
    this.#problem.append(
      viewIcon("problem"),
      h("div", {}, this.#sentence, this.#advice, this.#retry),
    );
    this.#view = h(
      "div",
      { class: "pg-view" },
      this.#chartPlace,
      this.picture,
      this.#self,
      this.#problem,
    );
    this.#main = h("button", { class: "pg-main", type: "button" }, this.#mainIcon, this.#mainLabel);
    this.#main.addEventListener("click", () => {
      host.press();
    });
    this.#microphone = toggle(() => {
      connection.muteMicrophone(!connection.muted.microphone);
    });
    this.#camera = toggle(() => {
      connection.muteCamera(!connection.muted.camera);
    });
    this.#speaker = toggle(() => {
      this.#speakerMuted = !this.#speakerMuted;
      this.audio.muted = this.picture.muted = this.#speakerMuted;
      this.followMute();
    });
    this.#talk = new TalkButton(connection, this.#main);
    this.root = h(
      "section",
      { class: "pg-panel pg-stage", "aria-label": "Conversation" },
      h(
        "header",
        { class: "pg-head" },
        h("p", { class: "pg-status", role: "status" }, this.#status, this.#progress),
        this.#recording,
        this.#clock.root,
        this.#transport,
        this.#id,
      ),
      this.#view,
      this.#notice,
      h("div", { class: "pg-meters" }, this.#meters.sent.root, this.#meters.received.root),
      h(
        "div",
        { class: "pg-bar" },
        this.#main,
        this.#talk.root,
        h("div", { class: "pg-side" }, this.#microphone, this.#camera, this.#speaker),
      ),
      this.audio,
    );
  }

  /** Whether the sound of the program is not played. */
  get speakerMuted(): boolean {
    return this.#speakerMuted;
  }

  /** The element that plays what is received. */
  get player(): HTMLMediaElement {
    return this.#layout?.picture === "remote" ? this.picture : this.audio;
  }

  /** Update it. */
  follow({ status, layout, problem, severe, mayLook, notice, progress }: Shown): void {
    const { connection } = this.host;
    if (this.#layout !== layout) this.#build(layout);
    setAttribute(this.root, "data-tone", status.tone);
    setAttribute(this.root, "data-state", connection.state);
    setText(this.#status, status.text);
    setText(this.#progress, progress);
    setText(this.#mainLabel, WORDS[status.button]);
    setAttribute(this.#main, "data-does", status.button);
    setIcon(
      this.#mainIcon,
      status.button === "start" ? "start" : status.button === "stop" ? "stop" : "close",
    );
    show(this.#problem, problem !== null);
    this.#problem.classList.toggle("pg-severe", severe);
    setText(this.#sentence, problem?.sentence ?? "");
    setText(this.#advice, problem?.advice ?? "");
    show(this.#advice, Boolean(problem?.advice));
    show(this.#retry, mayLook);
    setText(this.#notice, notice);
    show(this.#notice, notice !== "");
    const live = connection.state === "connected" || connection.state === "reconnecting";
    this.#clock.run(live);
    const { transport } = connection;
    show(this.#transport, live && transport !== null);
    setText(this.#transport, transport === "websocket" ? "WebSocket" : "WebRTC");
    show(this.#id, live);
    show(this.#recording, connection.recording);
    this.#talk.follow(status);
    this.followMute();
    this.#run(live);
  }

  /** Update the buttons for microphone, camera and speaker. */
  followMute(): void {
    const { microphone, camera } = this.host.connection.muted;
    const manual = this.host.connection.turn.manual;
    press(
      this.#microphone,
      microphone,
      "microphone",
      "Mute the microphone",
      "Unmute the microphone",
    );
    press(this.#camera, camera, "camera", "Turn the camera off", "Turn the camera on");
    press(this.#speaker, this.#speakerMuted, "speaker", "Mute the speaker", "Unmute the speaker");
    show(this.#microphone, (this.#layout?.microphone ?? false) && !manual);
    show(this.#camera, this.#layout?.camera ?? false);
    show(this.#speaker, this.#layout?.speaker ?? false);
  }

  /** Show the streams of the connection. */
  followStreams(): void {
    const { localStream, remoteStream } = this.host.connection;
    const side = this.#layout?.picture ?? null;
    put(this.picture, side === "remote" ? remoteStream : side === "local" ? localStream : null);
    this.picture.muted = side !== "remote" || this.#speakerMuted;
    put(this.#self, this.#layout?.selfView ? localStream : null);
    put(this.audio, side === "remote" ? null : remoteStream);
    show(this.#self, this.#self.srcObject !== null);
  }

  /** Forget the last conversation. */
  clear(): void {
    this.#history.clear();
    this.#redraw();
  }

  async #copy(id: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(id);
      this.host.tell("The connection id is copied.");
    } catch {
      this.host.tell(`Connection id: ${id}`); // the page may not copy, or is not of https
    }
  }

  #build(layout: Layout): void {
    this.#layout = layout;
    const { microphone, speaker, picture } = layout;
    this.#chart?.open(false);
    this.#chart =
      microphone || speaker ? new HistoryChart(this.#history, [microphone, speaker]) : null;
    this.#chartPlace.replaceChildren(...(this.#chart ? [this.#chart.canvas] : []));
    if (this.#chart) setAttribute(this.#chart.canvas, "aria-label", "Levels of the last seconds");
    show(this.#chartPlace, this.#chart !== null);
    show(this.picture, picture !== null);
    this.picture.classList.toggle("pg-mirrored", picture === "local");
    setAttribute(
      this.#view,
      "data-kind",
      picture === null ? "sound" : this.#chart ? "both" : "picture",
    );
    show(this.#meters.sent.root, microphone);
    show(this.#meters.received.root, speaker);
    this.followStreams();
    this.#redraw();
  }

  #run(live: boolean): void {
    if (live === this.#frames.running) return;
    this.#chart?.open(live);
    if (live) this.#frames.start();
    else {
      this.#frames.stop();
      for (const side of ["sent", "received"] as const) this.#meters[side].follow(null, 0);
    }
  }

  #redraw(): void {
    if (this.#frames.running) {
      this.#chart?.open(true);
      return;
    }
    const chart = this.#chart;
    chart?.open(true);
    setTimeout(() => {
      if (!this.#frames.running) chart?.open(false);
    }, 200);
  }

  #draw(time: number, elapsed: number): void {
    const { levels } = this.host.connection;
    const { sent, received } = this.#voices;
    sent.follow(levels.local, elapsed);
    received.follow(levels.remote, elapsed);
    this.#history.add(time, sent.level, received.level);
    this.#meters.sent.follow(levels.local?.level() ?? null, sent.level);
    this.#meters.received.follow(levels.remote?.level() ?? null, received.level);
  }
}

/** The level of a side, as a bar and in dB. */
class LevelMeter {
  readonly #bar: HTMLElement;
  readonly #figure = h("span", { class: "pg-db", "aria-hidden": "true" }, "– dB");
  readonly root: HTMLElement;
  #told = 0;
  /** The loudest since the figure was shown. */
  #peak = -60;

  constructor(name: string, side: "sent" | "received") {
    this.#bar = h("div", {
      class: "pg-level",
      role: "meter",
      "aria-label": `Level: ${name}`,
      "aria-valuemin": -60,
      "aria-valuemax": 0,
      "aria-valuenow": -60,
    });
    this.root = h(
      "div",
      { class: `pg-meter pg-${side}` },
      h("span", {}, name),
      this.#bar,
      this.#figure,
    );
  }

  /** Show a level in dB, and as a share of the bar; null for none. */
  follow(decibels: number | null, share: number): void {
    this.#bar.style.setProperty("--level", share.toFixed(3));
    const now = performance.now();
    this.#peak = Math.max(this.#peak, decibels ?? -60);
    if (decibels !== null && now - this.#told < FIGURE_EVERY) return;
    this.#told = now;
    const text = decibels === null ? "–" : String(Math.round(this.#peak)).replace("-", "−");
    setText(this.#figure, `${text} dB`);
    setAttribute(this.#bar, "aria-valuenow", Math.round(this.#peak / 5) * 5);
    this.#peak = -60;
  }
}

function toggle(change: () => void): HTMLButtonElement {
  const button = iconButton("", viewIcon("microphone"), change);
  button.classList.add("pg-round");
  return button;
}

function press(
  button: HTMLButtonElement,
  off: boolean,
  name: "microphone" | "camera" | "speaker",
  mute: string,
  unmute: string,
): void {
  rename(button, off ? unmute : mute);
  button.classList.toggle("pg-off", off);
  const svg = button.querySelector("svg");
  if (svg) setIcon(svg, off ? `${name}Off` : name);
}

function put(element: HTMLMediaElement, stream: MediaStream | null): void {
  if (element.srcObject === stream) return;
  element.srcObject = stream;
  if (stream) void element.play().catch(() => undefined);
}
