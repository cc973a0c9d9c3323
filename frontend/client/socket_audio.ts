/** The audio of a WebSocket connection: microphone in, loudspeaker out, through Web Audio. */

import { fromEnvironment } from "./environment";
import { FastRTCError } from "./errors";
import { noWebRTC } from "./sentences";
import type { Environment } from "./types";
import { worklets } from "./worklets";

/** Channels are mixed to mono: all that a WebSocket carries. */
const MONO = { channelCount: 1, channelCountMode: "explicit" } as const;

/** How long the audio thread may take to answer, in ms: it is asked every few ms. */
const DROP_TIMEOUT = 200;

/** Contexts that have loaded the module of the audio thread, which may be loaded once. */
const loaded = new WeakMap<BaseAudioContext, Promise<void>>();

/** Converts between tracks and 16-bit samples at the rate of an audio context. */
export class SocketAudio {
  /** What is played, as a stream. */
  readonly remote: MediaStream;
  #capture: AudioWorkletNode | null;
  #playout: AudioWorkletNode;
  #source: MediaStreamAudioSourceNode | null = null;
  readonly #context: AudioContext;

  private constructor(
    context: AudioContext,
    Worklet: NonNullable<Environment["AudioWorkletNode"]>,
    captured: ((samples: Int16Array) => void) | null,
  ) {
    this.#context = context;
    this.#playout = new Worklet(context, "fastrtc-playout", {
      ...MONO,
      numberOfInputs: 0,
      outputChannelCount: [1],
    });
    const destination = context.createMediaStreamDestination();
    this.#playout.connect(destination);
    this.remote = destination.stream;
    this.#capture = captured
      ? new Worklet(context, "fastrtc-capture", { ...MONO, numberOfOutputs: 0 })
      : null;
    if (this.#capture) {
      this.#capture.port.onmessage = ({ data }: MessageEvent<Int16Array>) => captured?.(data);
    }
  }

  /**
   * Load the module of the audio thread.
   *
   * @param captured Called with 20 ms of captured audio at a time; null to capture none.
   * @throws FastRTCError if the browser or the page does not allow it.
   */
  static async open(
    context: AudioContext,
    environment: Environment | undefined,
    captured: ((samples: Int16Array) => void) | null,
  ): Promise<SocketAudio> {
    let module = loaded.get(context);
    if (!module) loaded.set(context, (module = load(context)));
    try {
      await module;
      const Worklet = fromEnvironment(environment, "AudioWorkletNode");
      if (!Worklet) throw noWebRTC();
      return new SocketAudio(context, Worklet, captured);
    } catch (error) {
      throw new FastRTCError(
        "no_webrtc",
        "This browser, or the page's Content-Security-Policy, does not allow audio over a WebSocket.",
        { thrown: error },
      );
    }
  }

  /** The sample rate of captured and played audio, in Hz. */
  get rate(): number {
    return this.#context.sampleRate;
  }

  /**
   * How long audio waits before it is played, in seconds. The server sends more than the jitter
   * buffer holds at the beginning of a reply, so it does not wait there.
   */
  get delay(): number {
    const { baseLatency, outputLatency } = this.#context as Partial<AudioContext>;
    return (baseLatency ?? 0) + (outputLatency ?? 0);
  }

  /** Capture the audio of a stream instead of the previous one. */
  capture(stream: MediaStream | null): void {
    this.#source?.disconnect();
    this.#source = null;
    if (!this.#capture || !stream?.getAudioTracks().length) return;
    this.#source = this.#context.createMediaStreamSource(stream);
    this.#source.connect(this.#capture);
  }

  /** Queue samples for playout. */
  play(samples: Int16Array): void {
    this.#playout.port.postMessage(samples, [samples.buffer]);
  }

  /** Drop queued samples, and return how many these were; 0 if the audio thread does not say. */
  drop(): Promise<number> {
    return new Promise((resolve) => {
      const { port } = this.#playout;
      const timer = setTimeout(resolve, DROP_TIMEOUT, 0);
      port.onmessage = ({ data }: MessageEvent<number>) => {
        clearTimeout(timer);
        resolve(data);
      };
      port.postMessage("drop");
    });
  }

  /** Drop queued samples, or stop and resume playing them. */
  control(action: "clear" | "pause" | "resume"): void {
    this.#playout.port.postMessage(action);
  }

  /** Release everything but the context. */
  close(): void {
    this.capture(null);
    this.#playout.disconnect();
    if (this.#capture) this.#capture.port.onmessage = null;
  }
}

async function load(context: AudioContext): Promise<void> {
  const url = URL.createObjectURL(new Blob([worklets()], { type: "text/javascript" }));
  try {
    await context.audioWorklet.addModule(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}
