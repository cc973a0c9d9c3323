/** Audio levels of streams: Web Audio analysers that share one context. */

import { fromEnvironment } from "./environment";
import type { Environment } from "./types";

/** The level of silence, in dB of full scale. */
export const SILENCE = -60;

/** Samples per measurement: 43 ms at 48 kHz. */
const WINDOW = 2048;

/** Frequency range of `bands`, in Hz: that of a voice. */
const LOWEST = 80;
const HIGHEST = 8000;

/** Measures one stream. */
export class Meter {
  #source: MediaStreamAudioSourceNode;
  #analyser: AnalyserNode;
  #samples = new Float32Array(WINDOW);
  #strengths = new Uint8Array(WINDOW / 2);

  constructor(context: AudioContext, stream: MediaStream) {
    this.#source = context.createMediaStreamSource(stream);
    this.#analyser = context.createAnalyser();
    this.#analyser.fftSize = WINDOW;
    this.#analyser.smoothingTimeConstant = 0.6;
    this.#analyser.minDecibels = -85;
    this.#analyser.maxDecibels = -25;
    this.#source.connect(this.#analyser);
  }

  /** The current level in dB of full scale: -60 (silence) to 0. */
  level(): number {
    return toDecibels(this.rms());
  }

  /** The RMS of the last 43 ms, 0 to 1. */
  rms(): number {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    return Math.sqrt(sum / WINDOW);
  }

  /** The levels of `count` bands of the voice frequencies, low to high, each 0 to 1. */
  bands(count: number): number[] {
    this.#analyser.getByteFrequencyData(this.#strengths);
    return toBands(this.#strengths, this.#analyser.context.sampleRate, count);
  }

  /** Stop measuring. */
  close(): void {
    this.#source.disconnect();
  }
}

/** Meters for the sent and received audio of a connection. */
export class Levels {
  local: Meter | null = null;
  remote: Meter | null = null;
  #sink: HTMLAudioElement | null = null;
  readonly #environment: Environment | undefined;

  private constructor(
    /** The audio context, which was created in the click. */
    readonly context: AudioContext,
    environment: Environment | undefined,
  ) {
    this.#environment = environment;
  }

  /** Create the meters; null without Web Audio. Call it in a click, or browsers suspend it. */
  static open(environment?: Environment): Levels | null {
    const Context = fromEnvironment(environment, "AudioContext");
    return Context ? new Levels(new Context(), environment) : null;
  }

  /** Measure the sent audio. */
  watchLocal(stream: MediaStream): void {
    this.local?.close();
    this.local = this.#measure(stream);
  }

  /** Measure the received audio. */
  watchRemote(stream: MediaStream): void {
    this.remote?.close();
    this.remote = this.#measure(stream);
    const Sink = fromEnvironment(this.#environment, "Audio");
    if (!this.remote || !Sink) return;
    // Chrome decodes a remote track for Web Audio only while an element plays it.
    this.#sink ??= new Sink();
    this.#sink.muted = true;
    this.#sink.srcObject = stream;
    this.#sink.play().catch(() => undefined); // then the page's own element plays it
  }

  /** Release everything. */
  close(): void {
    this.local?.close();
    this.remote?.close();
    this.local = this.remote = null;
    if (this.#sink) this.#sink.srcObject = null;
    void this.context.close();
  }

  #measure(stream: MediaStream): Meter | null {
    if (!stream.getAudioTracks().length) return null;
    void this.context.resume();
    return new Meter(this.context, stream);
  }
}

/** Convert an RMS value (0 to 1) to dB, but not below silence. */
export function toDecibels(rms: number): number {
  return Math.max(SILENCE, 20 * Math.log10(rms + 1e-9));
}

/**
 * Group a spectrum into bands of equal perceived width.
 *
 * @param strengths Levels of equally wide bins from 0 Hz to half the sample rate, 0 to 255.
 * @returns The mean of each band, 0 to 1.
 */
export function toBands(strengths: Uint8Array, sampleRate: number, count: number): number[] {
  const width = sampleRate / 2 / strengths.length;
  const edge = (band: number) => (LOWEST * (HIGHEST / LOWEST) ** (band / count)) / width;
  return Array.from({ length: count }, (_, band) => {
    const first = Math.floor(edge(band));
    const last = Math.max(first + 1, Math.floor(edge(band + 1)));
    const part = strengths.subarray(first, last);
    return part.length ? part.reduce((sum, one) => sum + one, 0) / part.length / 255 : 0;
  });
}
