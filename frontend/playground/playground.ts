/** The page: combines the panels, and follows the connection. */

import {
  httpSignalling,
  setSpeaker,
  type Connection,
  type ConnectionOptions,
  type FastRTCError,
} from "@fastrtc/client";
import { toFastRTCError } from "@fastrtc/client/internal";
import { Captions } from "../view/captions";
import { h, setAttribute, setText, show } from "../view/dom";
import { icon as viewIcon } from "../view/icons";
import { layoutOf, type Layout } from "../view/layout";
import { statusOf } from "../view/status";
import { Timeline } from "../view/timeline";
import { DevicesPanel, type Role } from "./devices_panel";
import type { InputRoute } from "./inputs";
import { readObject } from "./json_input";
import { Log } from "./log";
import { MessagesPanel } from "./messages_panel";
import { NetworkFigures } from "./network";
import { NetworkPanel } from "./network_panel";
import { panel } from "./parts";
import { isOrderly, isUnreached, problemOf } from "./problem";
import {
  checkSettings,
  iceServersOf,
  mediaOf,
  optionsOf,
  readSettings,
  storageKey,
  writeSettings,
  type Settings,
} from "./settings";
import { SetupPanel } from "./setup_panel";
import { StagePanel } from "./stage_panel";
import { Tabs } from "./tabs";
import { modalityIn, type Problem, type Target } from "./target";
import { themeButton } from "./theme";

/** Interval of the statistics, in ms. */
const STATS_EVERY = 1000;

/** Interval at which a stream that was not there is looked for, in ms. */
const LOOK_EVERY = 3000;

/** How long a notice is shown, in ms. */
const NOTICE_FOR = 8000;

/** How long the page says that it is connected again, in ms. */
const AGAIN_FOR = 4000;

/** The tabs that are marked when there is something new. */
const [MESSAGES, TRANSCRIPT, TURNS] = [0, 1, 2];

const WAITS = "The handler waits for its inputs: set them below the messages.";

const OWN_INPUTS = "A Gradio page takes its inputs from its own components.";

const KINDS = { mounted: "Mounted stream", gradio: "Gradio page" } as const;

/** What the page needs from outside. */
export interface Environment {
  connect: (options: ConnectionOptions) => Connection;
  /** Find out about the stream again. */
  ask: () => Promise<Target>;
  /** The ICE servers that the stream has for its clients. */
  iceServers: (token: string | null) => Promise<RTCConfiguration | null>;
  /** The routes of the program for inputs, as far as they are known. */
  inputRoutes: () => Promise<InputRoute[]>;
  /** Post inputs to a route; rejects with an `Error` whose message is for the user. */
  setInputs: (route: string, body: object, token: string | null) => Promise<void>;
  storage: Storage | null;
}

/** The page. */
export class Playground {
  readonly root: HTMLElement;
  readonly connection: Connection;
  readonly #log = new Log();
  readonly #figures = new NetworkFigures();
  readonly #captions = new Captions((who) => (who === "user" ? "You" : "Program"));
  readonly #noWords = h(
    "p",
    { class: "pg-empty" },
    "What both sides say appears here, if the program sends it.",
  );
  readonly #timeline = new Timeline();
  readonly #stage: StagePanel;
  readonly #setup: SetupPanel;
  readonly #devices: DevicesPanel;
  readonly #messages: MessagesPanel;
  readonly #network = new NetworkPanel();
  readonly #tabs: Tabs;
  readonly #address = h("code", { class: "pg-address" });
  readonly #kind = h("span", { class: "pg-chip", hidden: true });
  #settings: Settings;
  #layout: Layout;
  #media = "";
  #problem: Problem | null;
  #severe = true;
  #notice = "";
  /** Whether inputs were set that the handler has not got. */
  #unsent = false;
  #noticeTimer: ReturnType<typeof setTimeout> | undefined;
  #again: "resumed" | "renewed" | null = null;
  #used = "";
  #looking = false;
  #statsTimer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private target: Target,
    private readonly environment: Environment,
  ) {
    this.#settings = readSettings(read(environment.storage, storageKey(target)), target);
    this.#layout = this.#layoutNow();
    this.#problem = target.problem;
    this.connection = environment.connect(this.#options());
    this.connection.requestTurns();
    this.#stage = new StagePanel({
      connection: this.connection,
      press: () => void this.press(),
      retry: () => void this.look(),
      tell: (notice) => {
        this.#tell(notice);
      },
    });
    this.#setup = new SetupPanel({
      settings: () => this.#settings,
      target: () => this.target,
      change: (change) => {
        this.#change(change);
      },
      restart: () => {
        this.connection.stop();
        void this.start();
      },
    });
    this.#devices = new DevicesPanel({
      layout: () => this.#layout,
      chosen: (role) => this.#settings[`${role}Id`],
      choose: (role, id) => void this.#choose(role, id),
    });
    this.#messages = new MessagesPanel(this.#log, {
      send: (message) => this.connection.send(message),
      call: (name, data) => this.connection.call(name, data),
      connected: () => this.connection.state === "connected",
      inputRoutes: () => this.environment.inputRoutes(),
      inputs: () => [this.#settings.inputRoute, this.#settings.inputs],
      setInputs: async (inputRoute, inputs) => {
        if (this.target.kind === "gradio") throw new Error(OWN_INPUTS);
        this.#keep({ inputRoute, inputs });
        this.#unsent = true;
        await this.#postInputs();
        return !this.#unsent;
      },
      hasInputs: () => this.target.kind !== "gradio",
    });
    const transcript = panel(
      "transcript",
      "Transcript",
      [],
      h("div", { class: "pg-scroll" }, this.#noWords, this.#captions.root),
    );
    const turns = panel("turns", "Turns", [], h("div", { class: "pg-body" }, this.#timeline.root));
    this.#tabs = new Tabs([
      { name: "Messages", panels: [this.#messages.root] },
      { name: "Transcript", panels: [transcript] },
      { name: "Turns", panels: [turns] },
      { name: "Network", panels: [this.#network.root] },
      { name: "Setup", panels: [this.#setup.root, this.#devices.root] },
    ]);
    this.root = h(
      "div",
      { class: "pg frtc" },
      h(
        "header",
        { class: "pg-top" },
        h("span", { class: "pg-logo" }, viewIcon("wave")),
        h("h1", {}, "Playground"),
        this.#address,
        this.#kind,
        themeButton(environment.storage),
      ),
      h(
        "main",
        { class: "pg-main-area" },
        h("div", { class: "pg-left" }, this.#setup.root, this.#devices.root),
        h(
          "div",
          { class: "pg-center" },
          this.#stage.root,
          this.#tabs.root,
          this.#network.root,
          turns,
        ),
        h("div", { class: "pg-right" }, transcript, this.#messages.root),
      ),
    );
    this.#listen();
    this.#follow();
    void this.#devices.refresh();
    this.#lookWhileNeeded();
  }

  /** Start, or stop. */
  async press(): Promise<void> {
    if (this.connection.active) this.connection.stop();
    else await this.start();
  }

  /** Connect with the settings as they are. */
  async start(): Promise<void> {
    const [wrong] = Object.entries(checkSettings(this.#settings));
    if (wrong) {
      const name = wrong[0] === "metadata" ? "Metadata" : "ICE servers";
      this.#problem = { sentence: `${name}: ${wrong[1]}`, advice: "Correct it in the setup." };
      this.#severe = false;
      this.#follow();
      return;
    }
    this.#problem = null;
    this.#layout = this.#layoutNow();
    const options = this.#options();
    this.connection.options = { ...this.connection.options, turnDetection: undefined, ...options };
    this.#used = JSON.stringify(withoutDevices(options));
    this.#clear();
    if (await this.connection.start()) return;
    await this.#explain();
  }

  /** Look for the stream again. */
  async look(): Promise<void> {
    if (this.#looking) return; // a server that hangs takes longer than the interval
    this.#looking = true;
    const target = await this.environment.ask();
    this.#looking = false;
    this.target = target;
    if (!target.problem) this.#messages.forgetRoutes();
    if (!this.connection.active) {
      if (this.#severe) this.#problem = this.target.problem;
      this.#layout = this.#layoutNow();
    }
    this.#follow();
  }

  /** Say why there is no connection; a stream that takes other media gets those. */
  async #explain(): Promise<void> {
    const { error } = this.connection;
    if (!error || !this.#endedBy(error)) return;
    const modality = this.#settings.modality === "detect" ? modalityIn(error.sentence) : null;
    if (modality && modality !== this.connection.options.modality) {
      this.#event("media", `The stream takes ${modality}`);
      this.target = { ...this.target, found: { ...this.target.found, modality } };
      await this.start();
      return;
    }
    this.#severe = !isOrderly(error);
    this.#problem = problemOf(error, null);
    this.#follow();
    if (!isUnreached(error) || !this.target.served) return;
    const target = await this.environment.ask();
    if (!this.#endedBy(error)) return; // the user has started again
    this.target = target;
    this.#problem = problemOf(error, target, this.connection.options.transport);
    this.#follow();
  }

  #endedBy(error: FastRTCError): boolean {
    return this.connection.error === error && !this.connection.active;
  }

  #listen(): void {
    const { connection } = this;
    connection.on("state", ({ state, previous, error, resumed, id }) => {
      const reason = error ? `: ${error.code}. ${error.sentence}` : "";
      const bad = error !== null && !isOrderly(error);
      this.#event("state", `${previous} → ${state}${reason}`, bad ? "bad" : "plain");
      if (state === "connected") {
        void this.#devices.refresh();
        if (previous === "reconnecting") this.#showAgain(resumed ? "resumed" : "renewed");
        else if (id) this.#event("id", id, "quiet");
        if (!resumed || this.#unsent) void this.#giveInputs();
        void setSpeaker(this.#stage.player, this.#settings.speakerId);
      }
      this.#stage.followStreams();
      this.#pollStats();
      this.#follow();
      // An attempt that fails is explained by `start`.
      if (previous === "connected" || previous === "reconnecting") void this.#explain();
    });
    connection.on("reconnecting", ({ attempt, resumes, timeLeft }) => {
      if (attempt > 0) {
        const kept = timeLeft === null ? "" : `, kept for ${Math.round(timeLeft / 1000)} s more`;
        const what = resumes ? "resumes the session" : "starts a new session";
        this.#event("reconnect", `attempt ${attempt} ${what}${kept}`);
      }
      this.#follow();
    });
    connection.on("message", (message) => {
      const entry = this.#log.received(message, Date.now());
      if (!entry) return;
      this.#messages.add(entry);
      this.#tabs.mark(MESSAGES);
      if (message.type === "send_input") void this.#giveInputs(true);
    });
    connection.on("sent", (message) => {
      this.#messages.add(this.#log.sent(message, Date.now()));
    });
    connection.on("notice", (notice) => {
      this.#event("notice", `${notice.code}. ${notice.sentence}`);
      this.#tell(notice.sentence);
    });
    connection.on("refused_candidate", (error) => {
      this.#event("candidate", error.sentence, "bad");
    });
    for (const name of ["error", "warning"] as const) {
      connection.on(name, (text) => {
        this.#tell(text);
      });
    }
    connection.on("transcript", (transcript) => {
      this.#captions.put(transcript);
      show(this.#noWords, !this.#captions.any);
      this.#tabs.mark(TRANSCRIPT);
    });
    connection.on("timeline", (turn) => {
      this.#timeline.add(turn);
      this.#tabs.mark(TURNS);
    });
    for (const name of ["local", "remote"] as const) {
      connection.on(name, () => {
        this.#stage.followStreams();
      });
    }
    for (const name of ["conversation", "turn", "mute", "recording", "open"] as const) {
      connection.on(name, () => {
        this.#follow();
      });
    }
    connection.on("devices", ({ microphoneId, cameraId }) => {
      this.#keep({ microphoneId: microphoneId ?? "", cameraId: cameraId ?? "" });
      void this.#devices.refresh();
    });
  }

  #follow(): void {
    const { connection, target } = this;
    const status = statusOf({
      state: connection.state,
      error: null,
      conversation: connection.conversation.state,
      turn: connection.turn,
      microphoneMuted: connection.muted.microphone,
      cameraMuted: connection.muted.camera,
      speakerMuted: this.#stage.speakerMuted,
      assistant: "Program",
      layout: this.#layout,
      reloaded: false,
      serverLost: false,
      testing: false,
      pictureMissing: false,
      again: this.#again,
      complaint: null,
      withText: false,
    });
    const active = connection.active;
    this.#stage.follow({
      status,
      layout: this.#layout,
      problem: active ? null : this.#problem,
      severe: this.#severe,
      mayLook: target.problem !== null,
      notice: this.#notice,
      progress: this.#progress(),
    });
    const stale = active && this.#used !== JSON.stringify(withoutDevices(this.#options()));
    this.#setup.follow(stale);
    this.#messages.follow();
    this.#network.follow(this.#figures.list(connection.transport, this.#converses));
    this.#tabs.offer(TURNS, this.#converses);
    setText(this.#address, target.url);
    setAttribute(this.#address, "title", target.notes.join("; ") || target.url);
    show(this.#kind, target.kind !== null);
    if (target.kind) setText(this.#kind, KINDS[target.kind]);
  }

  get #converses(): boolean {
    return this.#layout.microphone && this.#layout.speaker;
  }

  #progress(): string {
    const { reconnecting } = this.connection;
    if (!reconnecting) return "";
    const { attempt, resumes, timeLeft } = reconnecting;
    const parts = [attempt === 0 ? "it may come back" : `attempt ${attempt}`];
    if (resumes && timeLeft !== null) parts.push(`session kept ${Math.round(timeLeft / 1000)} s`);
    return parts.join(", ");
  }

  #options(): ConnectionOptions {
    const options = optionsOf(this.#settings, this.target);
    return {
      ...options,
      signalling: httpSignalling(this.target.offers),
      rtcConfiguration: () =>
        iceServersOf(this.#settings) ?? this.environment.iceServers(options.token as string | null),
    };
  }

  #layoutNow(): Layout {
    const { modality, mode } = mediaOf(this.#settings, this.target);
    // The same object as long as it is the same layout.
    if (this.#media === `${modality} ${mode}`) return this.#layout;
    this.#media = `${modality} ${mode}`;
    return layoutOf(modality, mode);
  }

  #change(change: Partial<Settings>): void {
    this.#keep(change);
    if (!this.connection.active) {
      this.#layout = this.#layoutNow();
      void this.#devices.refresh();
    }
    this.#follow();
  }

  #keep(change: Partial<Settings>): void {
    this.#settings = { ...this.#settings, ...change };
    try {
      this.environment.storage?.setItem(storageKey(this.target), writeSettings(this.#settings));
    } catch {
      // there is no room: the settings hold until the page is closed
    }
  }

  async #choose(role: Role, id: string): Promise<void> {
    try {
      if (role === "microphone") await this.connection.setMicrophone(id);
      else if (role === "camera") await this.connection.setCamera(id);
      else {
        this.#keep({ speakerId: id });
        await setSpeaker(this.#stage.player, id);
      }
    } catch (error) {
      this.#tell(toFastRTCError(error).sentence);
    }
    await this.#devices.refresh();
  }

  #clear(): void {
    this.#captions.clear();
    show(this.#noWords, true);
    this.#timeline.clear();
    this.#figures.clear();
    this.#stage.clear();
    this.#notice = "";
  }

  /** Post the inputs that are set, at the start and whenever the handler asks for them. */
  async #giveInputs(asked = false): Promise<void> {
    if (this.target.kind === "gradio") return; // those of the page's own components
    if (asked && !this.#settings.inputs) {
      this.#tell(WAITS);
      this.#messages.askForInputs();
      return;
    }
    await this.#postInputs().catch((error: unknown) => {
      this.#tell(error instanceof Error ? error.message : String(error));
    });
  }

  /** Post the inputs that are set, if there is a connection. */
  async #postInputs(): Promise<void> {
    const { inputRoute, inputs, token } = this.#settings;
    const read = readObject(inputs);
    const { id, state } = this.connection;
    if (!inputRoute || "error" in read || !read.value || !id || state !== "connected") return;
    try {
      const body = { webrtc_id: id, ...read.value };
      await this.environment.setInputs(inputRoute, body, token.trim() || null);
      if (inputs === this.#settings.inputs) this.#unsent = false;
      this.#event("inputs", `${inputRoute} ${JSON.stringify(read.value)}`);
      if (this.#notice === WAITS) this.#tell("");
    } catch (error) {
      this.#event("inputs", error instanceof Error ? error.message : String(error), "bad");
      throw error;
    }
  }

  #event(type: string, text: string, tone: "plain" | "bad" | "quiet" = "plain"): void {
    this.#messages.add(this.#log.event(type, text, Date.now(), tone));
  }

  #tell(notice: string): void {
    clearTimeout(this.#noticeTimer);
    this.#notice = notice;
    this.#noticeTimer = setTimeout(() => {
      this.#notice = "";
      this.#follow();
    }, NOTICE_FOR);
    this.#follow();
  }

  #showAgain(again: "resumed" | "renewed"): void {
    this.#again = again;
    setTimeout(() => {
      this.#again = null;
      this.#follow();
    }, AGAIN_FOR);
  }

  #pollStats(): void {
    const { active } = this.connection;
    if (active === (this.#statsTimer !== undefined)) return;
    clearInterval(this.#statsTimer);
    this.#statsTimer = undefined;
    if (!active) return;
    this.#statsTimer = setInterval(() => {
      void this.connection.getStats().then((stats) => {
        if (!stats) return;
        this.#figures.add(stats);
        this.#network.follow(this.#figures.list(this.connection.transport, this.#converses));
      });
    }, STATS_EVERY);
  }

  /** A program that is started later is found without a reload. */
  #lookWhileNeeded(): void {
    setInterval(() => {
      const idle = !this.connection.active && document.visibilityState === "visible";
      if (idle && this.target.problem) void this.look();
    }, LOOK_EVERY);
  }
}

/** The options that take effect at the next start; functions are left out of JSON. */
function withoutDevices(options: ConnectionOptions): object {
  return { ...options, devices: null, signalling: null };
}

function read(storage: Storage | null, key: string): string | null {
  return storage?.getItem(key) ?? null;
}
