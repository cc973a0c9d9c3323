/** The large part of the view: the video, waveform or icon, and errors. */

import type { Connection, Transcript } from "@fastrtc/client";
import { h, setText, show } from "./dom";
import { LevelHistory, swatch } from "./history";
import { Frames, wantsLessMotion } from "./frames";
import { icon, setIcon } from "./icons";
import type { Layout } from "./layout";
import type { ViewProps } from "./props";
import type { Status } from "./status";
import { Voice } from "./voices";
import { Captions } from "./captions";
import { Clock } from "./clock";
import { RecordingBadge } from "./recording";
import { SelfView } from "./self_view";
import { drawWaves, type Strand } from "./waves";

/** The connection's interface for the stage. */
export type StageConnection = Pick<Connection, "levels">;

type Muted = Connection["muted"];

/**
 * The events after which browsers play audio: a finger's `pointerdown` is none, and WebKit wants
 * `touchend`.
 */
const GESTURES = ["pointerup", "touchend", "click", "keydown"];

/** The stage. */
export class Stage {
  readonly root: HTMLElement;
  /** The element that plays audio; null without audio. */
  readonly sink: HTMLMediaElement | null;
  readonly #picture: HTMLVideoElement | null;
  readonly #selfView: SelfView | null;
  /** The recent levels of both sides. */
  readonly history = new LevelHistory();
  readonly #clock = new Clock();
  readonly #recording = new RecordingBadge();
  readonly #captions: Captions;
  readonly #waves: HTMLCanvasElement | null;
  readonly #disc: HTMLButtonElement | null;
  readonly #placeholderIcon: SVGSVGElement;
  readonly #legend: HTMLElement | null;
  readonly #assistant = h("span", {});
  readonly #problem = h("div", { class: "frtc-problem", hidden: true });
  readonly #sentence = h("p", { role: "alert" });
  readonly #problemIcon = icon("problem");
  readonly #voices = { local: new Voice(), remote: new Voice() };
  readonly #frames = new Frames((time, elapsed) => {
    this.#draw(time, elapsed);
  });
  // A canvas needs a size for drawing; it gets one when the view is added to the page.
  readonly #sizes = new ResizeObserver(() => {
    if (!this.#frames.running) this.#rest();
  });
  #muted = { local: false, remote: false };
  #soundBlocked: AbortController | null = null;

  /**
   * @param press Called when the icon is pressed.
   * @param pictureCame Called when the first video frame has arrived.
   */
  constructor(
    private readonly layout: Layout,
    private readonly connection: StageConnection,
    props: ViewProps,
    press: () => void,
    private readonly pictureCame: () => void = () => undefined,
  ) {
    const { picture, selfView, speaker, microphone } = layout;
    this.#picture =
      picture && video("frtc-picture", picture === "remote" ? "Received video" : "Your camera");
    this.#selfView = selfView ? new SelfView(video("frtc-self", "Your camera")) : null;
    this.#captions = new Captions((who) => (who === "user" ? "You" : this.#assistant.textContent));
    const withIcon = picture === null && props.icon !== null;
    this.#disc = withIcon ? disc(press) : null;
    this.#waves =
      speaker || microphone ? h("canvas", { class: "frtc-waves", "aria-hidden": "true" }) : null;
    this.#placeholderIcon = icon(layout.camera ? "camera" : "screen");
    this.#legend =
      this.#waves && speaker && microphone
        ? h(
            "p",
            { class: "frtc-legend", "aria-hidden": "true" },
            swatch("sent", "You"),
            swatch("received", this.#assistant),
          )
        : null;
    // If the image cannot be loaded, show the waveform.
    const image = this.#disc?.querySelector("img");
    for (const [event, kind] of [
      ["load", "icon"],
      ["error", "waves"],
    ] as const) {
      image?.addEventListener(event, () => {
        this.root.dataset["kind"] = kind;
        if (!this.#frames.running) this.#rest();
      });
    }
    this.#problem.append(this.#problemIcon, this.#sentence);
    const audio = speaker && picture !== "remote" ? h("audio", { autoplay: true }) : null;
    this.sink = audio ?? (speaker ? this.#picture : null);
    const screen = picture
      ? h(
          "div",
          { class: "frtc-screen" },
          h("div", { class: "frtc-placeholder" }, this.#placeholderIcon),
          this.#picture,
          this.#captions.root,
          this.#selfView?.root ?? null,
        )
      : null;
    this.root = h(
      "div",
      { class: "frtc-stage", "data-kind": picture ? "picture" : withIcon ? "icon" : "waves" },
      screen,
      h("div", { class: "frtc-corner" }, this.#clock.root, this.#recording.root),
      this.#disc,
      this.#waves,
      this.#legend,
      picture ? null : this.#captions.root,
      this.#problem,
      audio,
    );
    this.#picture?.addEventListener("resize", () => {
      this.#followPicture();
    });
    this.muteSpeaker(false);
    if (this.#waves) this.#sizes.observe(this.#waves);
    this.patch(props);
  }

  /** Whether a frame of the large video has arrived. */
  get hasPicture(): boolean {
    return Boolean(this.#picture?.srcObject && this.#picture.videoWidth > 0);
  }

  /** Update the parameters. */
  patch(props: ViewProps): void {
    const own = this.layout.picture === "local" ? this.#picture : this.#selfView?.video;
    own?.classList.toggle("frtc-mirrored", props.mirror);
    setText(this.#assistant, props.assistantName);
    if (!this.#disc) return;
    setStyle(this.#disc, "--frtc-disc", props.iconButtonColor);
    setStyle(this.#disc, "--frtc-pulse", props.pulseColor ?? props.iconButtonColor);
    setStyle(this.#disc, "--frtc-disc-radius", props.iconRadius);
    const image = this.#disc.querySelector("img");
    if (image && props.icon && image.getAttribute("src") !== props.icon) image.src = props.icon;
  }

  /** Update the status. */
  show(status: Status): void {
    this.root.dataset["tone"] = status.tone;
    this.root.dataset["phase"] = status.button;
    const { problem } = status;
    show(this.#problem, problem !== null);
    this.#problem.classList.toggle("frtc-severe", problem?.severe ?? false);
    setIcon(this.#problemIcon, problem?.severe === false ? "clock" : "problem");
    setText(this.#sentence, problem?.sentence ?? "");
    this.#clock.run(status.button === "stop");
    if (status.button === "waiting") {
      this.#captions.clear();
      this.history.clear();
    }
    if (status.button === "stop") this.#frames.start();
    else this.#rest();
  }

  /** Show the camera's video, or nothing. */
  setLocal(stream: MediaStream | null): void {
    const own = this.layout.picture === "local" ? this.#picture : this.#selfView?.video;
    if (own) attach(own, stream);
    this.root.classList.toggle("frtc-has-self", this.#selfView !== null && stream !== null);
    this.#followPicture();
  }

  /** Show and play the server's stream, or nothing. */
  setRemote(stream: MediaStream | null): void {
    const player = this.layout.picture === "remote" ? this.#picture : this.sink;
    if (player)
      attach(player, stream, () => {
        this.#playAtNextGesture(player);
      });
    this.#followPicture();
  }

  /** Mute or unmute the playback. */
  muteSpeaker(muted: boolean): void {
    if (this.sink) this.sink.muted = muted;
  }

  /** Set the playback volume, 0 to 1. */
  setVolume(volume: number): void {
    if (this.sink) this.sink.volume = volume;
  }

  /** Draw a muted side as a flat line, and an icon in place of the user's own picture. */
  showMuted({ microphone, camera }: Muted, speaker: boolean): void {
    if (this.layout.picture === "local") {
      this.root.classList.toggle("frtc-picture-off", camera);
      setIcon(this.#placeholderIcon, camera ? "cameraOff" : "camera");
    } else this.#selfView?.showOff(camera);
    if (this.#muted.local === microphone && this.#muted.remote === speaker) return;
    this.#muted = { local: microphone, remote: speaker };
    this.#legend?.children[0]?.classList.toggle("frtc-silent", microphone);
    this.#legend?.children[1]?.classList.toggle("frtc-silent", speaker);
    if (!this.#frames.running) this.#rest();
  }

  /** Show a caption. */
  caption(transcript: Transcript): void {
    this.#captions.put(transcript);
  }

  /** Whether there are captions. */
  get hasCaptions(): boolean {
    return this.#captions.any;
  }

  /** Show or hide the captions. */
  wantCaptions(wanted: boolean): void {
    this.#captions.want(wanted);
  }

  /** Show whether the conversation is recorded. */
  showRecording(active: boolean): void {
    this.#recording.follow(active);
  }

  /** Release everything. */
  destroy(): void {
    this.#clock.run(false);
    this.#sizes.disconnect();
    this.#frames.stop();
    this.#soundBlocked?.abort();
    this.setLocal(null);
    this.setRemote(null);
    this.root.remove();
  }

  /** Whether a video has a size, which it gets with its first frame. */
  #followPicture(): void {
    const came = this.hasPicture;
    if (this.root.classList.contains("frtc-has-picture") === came) return;
    this.root.classList.toggle("frtc-has-picture", came);
    if (came) this.pictureCame();
  }

  /** Play, or ask for a click: browsers block audio until the user interacts with the page. */
  #playAtNextGesture(player: HTMLMediaElement): void {
    this.#soundBlocked?.abort();
    this.#soundBlocked = new AbortController();
    const { signal } = this.#soundBlocked;
    // Video may be played without audio.
    const muted = player.muted;
    player.muted = true;
    void player.play().catch(() => undefined);
    const play = (): void => {
      // Unmuting before a gesture that counts, such as with Escape or scrolling, stops the video.
      const { userActivation } = navigator as Partial<Navigator>;
      if (userActivation?.hasBeenActive === false) return;
      if (player.muted) player.muted = muted;
      void player.play().then(
        () => this.#soundBlocked?.abort(),
        () => undefined,
      );
    };
    // Before the listeners of what was pressed, which may mute the player.
    for (const gesture of GESTURES) {
      document.addEventListener(gesture, play, { signal, capture: true });
    }
  }

  #rest(): void {
    this.#frames.stop();
    this.#voices.local.rest();
    this.#voices.remote.rest();
    this.#disc?.style.setProperty("--frtc-level", "0");
    this.#drawWaves(0);
  }

  #draw(time: number, elapsed: number): void {
    const { local, remote } = this.#voices;
    const { levels } = this.connection;
    local.follow(this.#muted.local ? null : levels.local, elapsed);
    remote.follow(this.#muted.remote ? null : levels.remote, elapsed);
    this.history.add(
      time,
      this.#muted.local ? 0 : local.level,
      this.#muted.remote ? 0 : remote.level,
    );
    const loudest = Math.max(
      this.layout.microphone ? local.level : 0,
      this.layout.speaker ? remote.level : 0,
    );
    this.#disc?.style.setProperty("--frtc-level", loudest.toFixed(3));
    this.#drawWaves(wantsLessMotion() ? 0 : time / 1000);
  }

  #drawWaves(time: number): void {
    if (!this.#waves || this.root.dataset["kind"] === "icon") return;
    const { microphone, speaker } = this.layout;
    const colors = getComputedStyle(this.#waves);
    const strand = (side: "local" | "remote", color: string, offset: number): Strand => ({
      voice: this.#voices[side],
      color: colors.getPropertyValue(this.#muted[side] ? "--frtc-control-edge" : color),
      offset,
      still: this.#muted[side],
    });
    const sent = microphone ? [strand("local", "--frtc-sent", 0)] : [];
    const received = speaker ? [strand("remote", "--frtc-received", 0.37)] : [];
    drawWaves(this.#waves, [...sent, ...received], time);
  }
}

function video(name: string, label: string): HTMLVideoElement {
  const element = h("video", {
    class: name,
    autoplay: true,
    playsinline: true,
    "aria-label": label,
  });
  element.muted = true;
  return element;
}

/** The icon, which only reacts to the pointer; the main button does the same for all users. */
function disc(press: () => void): HTMLButtonElement {
  const button = h(
    "button",
    { class: "frtc-disc", type: "button", tabindex: -1, "aria-hidden": "true" },
    h("span", { class: "frtc-ring" }),
    h("span", { class: "frtc-ring" }),
    h("span", { class: "frtc-face" }, h("img", { alt: "" })),
  );
  button.addEventListener("click", press);
  return button;
}

function attach(player: HTMLMediaElement, stream: MediaStream | null, blocked?: () => void): void {
  if (player.srcObject === stream) return;
  player.srcObject = stream;
  if (!stream) return;
  // "AbortError" only means that another stream replaced this one before it played.
  void player.play().catch((error: unknown) => {
    if (error instanceof DOMException && error.name === "NotAllowedError") blocked?.();
  });
}

function setStyle(element: HTMLElement, name: string, value: string | null): void {
  if (value === null) element.style.removeProperty(name);
  else element.style.setProperty(name, value);
}
