/** The view of a stream: an element that shows and controls a connection. */

import { Connection, FastRTCError, setSpeaker, type ConnectionOptions } from "@fastrtc/client";
import { openDevices, toFastRTCError } from "@fastrtc/client/internal";
import { Bar } from "./bar";
import { keepCaptionsWanted, wantsCaptions } from "./captions";
import { Composer } from "./composer";
import { DetailsDrawer } from "./details";
import { DevicesDrawer, offersSpeakers, type Choices, type Role } from "./devices";
import { h, setAttribute, setText, show } from "./dom";
import { LostServerWatch, rememberCall, wasReloadedInCall } from "./gradio_page";
import { icon } from "./icons";
import { layoutOf } from "./layout";
import { readProps, START_SIGNAL, type Host, type ViewProps } from "./props";
import { MicrophoneTest } from "./microphone";
import { Session } from "./session";
import { askForTurn, gradioSignalling, tokenOfPage } from "./signalling";
import { Stage } from "./stage";
import { statusOf } from "./status";
import { TalkButton } from "./talk";
import { canSetVolume, VolumeSlider } from "./volume";

/** Creates the connection; tests and the gallery pass a fake one. */
export type Connect = (options: ConnectionOptions) => Connection;

/** Maximum width at which the buttons are stacked, in CSS pixels. */
const NARROW = 480;

/** How long the view says that it is connected again, in ms. */
const AGAIN_FOR = 4000;

/** The view. */
export class View {
  readonly root = h("div", {});
  readonly #host: Host;
  readonly #connect: Connect;
  #props: ViewProps;
  #panel: Panel;
  #lastClasses: string[] = [];
  // Its position is not known at creation, and changes with the content above.
  readonly #sizes = new ResizeObserver(() => {
    this.#fit();
  });

  /**
   * @param parent The parent element.
   * @param anchor The element to insert it before; null appends it.
   * @param host The host of the view.
   */
  constructor(
    parent: Node,
    anchor: Node | null,
    host: Host,
    connect: Connect = (options) => new Connection(options),
  ) {
    this.#host = host;
    this.#connect = connect;
    this.#props = readProps(host.props());
    parent.insertBefore(this.root, anchor);
    this.#panel = this.#build();
    this.#patch();
    this.#sizes.observe(this.root);
    this.#sizes.observe(document.body);
    window.addEventListener("resize", this.#fit);
    if (this.#props.value === START_SIGNAL) void this.#panel.session.restart();
  }

  /** Update the parameters from the host. */
  update(): void {
    const before = this.#props;
    this.#props = readProps(this.#host.props());
    if (partsOf(before) !== partsOf(this.#props)) {
      this.#panel.destroy();
      this.#panel = this.#build();
    }
    this.#patch();
    this.#panel.session.follow(this.#props.value);
  }

  /** Close the connection and release everything. */
  destroy(): void {
    this.#sizes.disconnect();
    window.removeEventListener("resize", this.#fit);
    this.#panel.destroy();
    this.root.remove();
  }

  #build(): Panel {
    const panel = new Panel(this.#host, () => this.#props, this.#connect);
    this.root.replaceChildren(panel.root);
    return panel;
  }

  #patch(): void {
    const { root } = this;
    const props = this.#props;
    const { style } = root;
    setAttribute(root, "id", props.elementId || null);
    root.classList.add("frtc");
    root.classList.remove(...this.#lastClasses);
    root.classList.add(...(this.#lastClasses = props.elementClasses));
    root.classList.toggle("frtc-boxed", props.container);
    root.classList.toggle("frtc-sized", props.height !== null);
    root.classList.toggle("frtc-tall", props.fullScreen && props.height === null);
    show(root, props.visible);
    style.setProperty("--frtc-height", props.height ?? "");
    style.width = props.width ?? "";
    style.minWidth = props.minWidth ? `min(${props.minWidth}, 100%)` : "";
    style.flexGrow = props.scale === null ? "" : String(props.scale);
    this.#panel.patch();
    this.#fit();
  }

  /** Fit a tall view into the window, below the content above it. */
  readonly #fit = (): void => {
    const above = this.root.getBoundingClientRect().top + window.scrollY;
    // Far down a page there is no room to fit into: use the natural height.
    const fits = above < window.innerHeight / 2;
    this.root.style.setProperty("--frtc-above", fits ? `${Math.round(above)}px` : "100dvh");
    this.root.classList.toggle("frtc-narrow", this.root.clientWidth <= NARROW);
  };
}

/** The parameters that determine the elements. */
function partsOf({ modality, mode, variant, icon: picture }: ViewProps): string {
  return [modality, mode, variant, picture !== null].join();
}

/** The elements of a view, and their connection. */
class Panel {
  readonly root: HTMLElement;
  readonly session: Session;
  readonly #connection: Connection;
  readonly #stage: Stage;
  readonly #bar: Bar;
  readonly #talk: TalkButton | null;
  readonly #devices: DevicesDrawer;
  readonly #test: MicrophoneTest | null;
  readonly #volume: VolumeSlider | null;
  readonly #details: DetailsDrawer;
  readonly #status = h("p", { class: "frtc-status", role: "status" });
  readonly #label: HTMLElement;
  readonly #labelText = h("span", {});
  readonly #forget = new AbortController();
  readonly #server = new LostServerWatch(() => {
    this.#refresh();
  });
  readonly #reloaded: boolean;
  readonly #layout;
  #complaint: string | null = null;
  #again: { how: "resumed" | "renewed"; timer: ReturnType<typeof setTimeout> } | null = null;
  #hasChoice: boolean;
  #captions = wantsCaptions();
  #speaker = "";
  #speakerMuted = false;
  #drawer: "devices" | "details" | null = null;

  constructor(
    private readonly host: Host,
    private readonly props: () => ViewProps,
    connect: Connect,
  ) {
    const { modality, mode, variant, label } = props();
    this.#reloaded = wasReloadedInCall(label);
    const layout = (this.#layout = layoutOf(modality, mode));
    this.#connection = connect({
      modality,
      mode,
      signalling: gradioSignalling(() => this.props().server),
      transport: "auto",
      rtcConfiguration: () => this.props().rtcConfiguration ?? askForTurn(this.props().server),
      token: tokenOfPage(),
    });
    this.session = new Session(this.#connection, host, props, (text) => this.#complain(text));
    this.#stage = new Stage(
      layout,
      this.#connection,
      props(),
      () => {
        this.#toggleStream();
      },
      () => {
        this.#complaint = null;
        this.#refresh();
      },
    );
    this.#test = layout.microphone
      ? new MicrophoneTest(
          () => this.#connection,
          () => {
            this.#refresh();
          },
        )
      : null;
    this.#volume =
      layout.speaker && canSetVolume()
        ? new VolumeSlider((volume) => {
            this.#setVolume(volume);
          })
        : null;
    this.#hasChoice = layout.microphone || layout.camera || this.#volume !== null;
    this.#devices = new DevicesDrawer(layout, {
      choices: () => this.#choices(),
      choose: (role, id) => this.#choose(role, id),
      allow: () => this.#allow(),
      extra: (role) =>
        (role === "microphone" ? this.#test : role === "speaker" ? this.#volume : null)?.root ??
        null,
    });
    this.#details = new DetailsDrawer(
      () => this.#connection.getStats(),
      layout,
      this.#stage.history,
    );
    this.#bar = new Bar(
      layout,
      {
        main: () => {
          this.#toggleStream();
        },
        microphone: () => {
          this.#connection.muteMicrophone(!this.#connection.muted.microphone);
        },
        camera: () => {
          this.#connection.muteCamera(!this.#connection.muted.camera);
        },
        speaker: () => {
          this.#muteSpeaker();
        },
        devices: () => {
          this.#open("devices");
        },
        captions: () => {
          this.#toggleCaptions();
        },
        details: () => {
          this.#open("details");
        },
        fullScreen: () => {
          this.#toggleFullScreen();
        },
      },
      { devices: this.#devices.id, details: this.#details.id },
    );
    this.#talk = layout.microphone ? new TalkButton(this.#connection, this.#bar.main) : null;
    this.#label = h(
      "p",
      { class: "frtc-name" },
      icon(layout.picture ? "camera" : "wave"),
      this.#labelText,
    );
    const composer =
      variant === "textbox" ? new Composer((text) => this.session.submit(text)) : null;
    this.root = h(
      "section",
      { class: `frtc-panel frtc-${variant}` },
      this.#label,
      this.#stage.root,
      this.#status,
      composer?.root ?? null,
      this.#talk?.root ?? null,
      this.#bar.root,
      this.#devices.root,
      this.#details.root,
    );
    this.#stage.wantCaptions(this.#captions);
    this.#listen();
    void this.#lookForSpeakers();
  }

  /** Update the parameters. */
  patch(): void {
    const props = this.props();
    const { options } = this.#connection;
    // They take effect at the next start.
    options.trackConstraints = props.trackConstraints;
    options.rtpParams = props.rtpParams;
    options.metadata = props.metadata;
    setText(this.#labelText, props.label);
    show(this.#label, props.showLabel); // its text names the section even if hidden
    setAttribute(this.root, "aria-label", props.label);
    this.#stage.patch(props);
    this.#details.name(props.assistantName);
    this.#refresh();
  }

  /** Close the connection and remove the elements. */
  destroy(): void {
    this.#connection.stop();
    clearTimeout(this.#again?.timer);
    this.#forget.abort();
    this.#stage.destroy();
    this.#talk?.destroy();
    this.#test?.stop();
    this.#server.watch(false);
    this.#devices.destroy();
    this.#details.destroy();
    this.root.remove();
  }

  #listen(): void {
    const connection = this.#connection;
    connection.on("state", ({ state, previous, resumed }) => {
      this.#setAgain(
        state === "connected" && previous === "reconnecting"
          ? resumed
            ? "resumed"
            : "renewed"
          : null,
      );
      const begins = state === "asking" || state === "connecting";
      if (begins && !["asking", "reconnecting"].includes(previous)) this.#details.clear();
      this.#server.watch(connection.active);
      if (connection.active) this.#test?.release();
      else if (this.#drawer !== "devices") this.#test?.stop();
      if (state === "connected" && this.#drawer === "devices") void this.#test?.start();
      this.#complaint = null;
      this.#stage.setLocal(connection.localStream);
      this.#stage.setRemote(connection.remoteStream);
      this.#refresh();
    });
    connection.on("local", (stream) => {
      this.#stage.setLocal(stream);
    });
    connection.on("remote", (stream) => {
      this.#stage.setRemote(stream);
    });
    for (const event of ["conversation", "mute", "turn"] as const) {
      connection.on(event, () => {
        this.#refresh();
      });
    }
    connection.on("devices", () => {
      if (this.#test?.testing) void this.#test.start();
      this.#devices.follow();
    });
    connection.on("transcript", (transcript) => {
      this.#stage.caption(transcript);
      this.#refresh();
    });
    connection.on("recording", (active) => {
      this.#stage.showRecording(active);
    });
    connection.on("timeline", (turn) => {
      this.#details.timeline?.add(turn);
    });
    for (const [event, way] of [
      ["message", "received"],
      ["sent", "sent"],
    ] as const) {
      connection.on(event, (message: unknown) => {
        this.#details.messages.add(way, message);
      });
    }
    const { signal } = this.#forget;
    window.addEventListener(
      "pagehide",
      () => {
        if (connection.active) rememberCall(this.props().label);
      },
      { signal },
    );
    document.addEventListener(
      "fullscreenchange",
      () => {
        this.#refresh();
      },
      { signal },
    );
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#drawer) this.#open(this.#drawer);
    });
  }

  /** Say for a while that it is connected again. */
  #setAgain(how: "resumed" | "renewed" | null): void {
    clearTimeout(this.#again?.timer);
    const end = () => {
      this.#again = null;
      this.#refresh();
    };
    this.#again = how && { how, timer: setTimeout(end, AGAIN_FOR) };
  }

  #refresh(): void {
    const { state, error, conversation, turn, muted } = this.#connection;
    const status = statusOf({
      state,
      error,
      conversation: conversation.state,
      turn,
      microphoneMuted: muted.microphone,
      cameraMuted: muted.camera,
      speakerMuted: this.#speakerMuted,
      assistant: this.props().assistantName,
      layout: this.#layout,
      testing: this.#test?.testing ?? false,
      pictureMissing: !this.#stage.hasPicture,
      complaint: this.#complaint,
      again: this.#again?.how ?? null,
      reloaded: this.#reloaded,
      serverLost: this.#server.lost,
      withText: this.props().variant === "textbox",
    });
    this.root.dataset["state"] = state;
    this.root.dataset["tone"] = status.tone;
    setText(this.#status, status.text);
    const silent = muted.microphone || (turn.manual && !turn.talking);
    this.#stage.showMuted({ ...muted, microphone: silent }, this.#speakerMuted);
    this.#stage.show(status);
    this.#bar.show(status, this.props().buttonLabels);
    this.#talk?.follow(status);
    this.#bar.follow({
      manual: turn.manual,
      microphoneMuted: muted.microphone,
      cameraMuted: muted.camera,
      speakerMuted: this.#speakerMuted,
      captions: this.#stage.hasCaptions ? this.#captions : null,
      drawer: this.#drawer,
      hasChoice: this.#hasChoice,
      fullScreen: document.fullscreenElement === this.root,
    });
  }

  /** Show an error instead of the missing video; false if no video is expected. */
  #complain(text: string): boolean {
    if (this.#layout.picture !== "remote" || this.#stage.hasPicture) return false;
    this.#complaint = text;
    this.#refresh();
    return true;
  }

  #toggleStream(): void {
    if (this.#connection.active) this.#connection.stop();
    else void this.#connection.start();
  }

  #toggleCaptions(): void {
    this.#captions = !this.#captions;
    keepCaptionsWanted(this.#captions);
    this.#stage.wantCaptions(this.#captions);
    this.#refresh();
  }

  /** Set the volume, and unmute if it is raised. */
  #setVolume(volume: number): void {
    this.#stage.setVolume(volume);
    if (this.#speakerMuted) this.#muteSpeaker();
  }

  #muteSpeaker(): void {
    this.#speakerMuted = !this.#speakerMuted;
    this.#stage.muteSpeaker(this.#speakerMuted);
    this.#refresh();
  }

  /** Open a drawer and close the other one, or close it. */
  #open(drawer: "devices" | "details"): void {
    const closes = this.#drawer === drawer;
    const kept = closes ? "" : `${this.root.offsetHeight}px`;
    this.root.style.setProperty("--frtc-kept", kept);
    this.#drawer = closes ? null : drawer;
    this.#devices.open(this.#drawer === "devices");
    this.#details.open(this.#drawer === "details");
    if (this.#drawer === "details") this.#connection.requestTurns();
    if (this.#drawer === "devices") void this.#test?.start();
    else this.#test?.stop();
    if (closes) this.#bar.focus(drawer);
    this.#refresh();
  }

  /** Whether devices can be selected: a view that only plays needs a list of speakers. */
  async #lookForSpeakers(): Promise<void> {
    if (this.#hasChoice || !this.#layout.speaker) return;
    this.#hasChoice = await offersSpeakers();
    this.#refresh();
  }

  #choices(): Choices {
    const { microphoneId, cameraId } = this.#connection.options.devices ?? {};
    return { microphone: microphoneId ?? "", camera: cameraId ?? "", speaker: this.#speaker };
  }

  async #choose(role: Role, id: string): Promise<void> {
    try {
      if (role === "microphone") await this.#connection.setMicrophone(id);
      else if (role === "camera") await this.#connection.setCamera(id);
      else await this.#useSpeaker(id);
    } catch (thrown) {
      this.host.dispatch("error", toFastRTCError(thrown).sentence);
      this.#devices.follow();
    }
  }

  async #useSpeaker(id: string): Promise<void> {
    const { sink } = this.#stage;
    if (!sink || !(await setSpeaker(sink, id))) {
      throw new FastRTCError(
        "device_failed",
        "The browser does not play on this speaker. Choose another one.",
      );
    }
    this.#speaker = id;
  }

  /** Open the devices briefly, because only then does the browser reveal their names. */
  async #allow(): Promise<void> {
    const { kinds, options } = this.#connection;
    try {
      const stream = await openDevices(kinds, { modality: options.modality ?? "audio" });
      for (const track of stream.getTracks()) track.stop();
      void this.#test?.start();
    } catch (thrown) {
      this.host.dispatch("error", toFastRTCError(thrown).sentence);
    }
  }

  #toggleFullScreen(): void {
    const change =
      document.fullscreenElement === this.root
        ? document.exitFullscreen()
        : this.root.requestFullscreen();
    change.catch(() => undefined); // if the browser refuses, nothing changes
  }
}
