/** How loud streams are: Web Audio analysers that share one context. */

/** What counts as silence, in dB below full scale. */
export const SILENCE = -60;

/** Samples that one measurement looks at: 43 ms at 48 kHz. */
const WINDOW = 2048;

/** The frequencies that `bands` covers, in Hz: those of a voice. */
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

  /** The level now, in dB below full scale: -60 (silence) to 0. */
  level(): number {
    return toDecibels(this.rms());
  }

  /** The root mean square of the last 43 ms, 0 to 1. */
  rms(): number {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    return Math.sqrt(sum / WINDOW);
  }

  /** The strength of `count` bands of the voice's frequencies, low to high, each 0 to 1. */
  bands(count: number): number[] {
    this.#analyser.getByteFrequencyData(this.#strengths);
    return toBands(this.#strengths, this.#analyser.context.sampleRate, count);
  }

  /** Measure no more. */
  close(): void {
    this.#source.disconnect();
  }
}

/** Meters of what a connection sends and receives. */
export class Levels {
  local: Meter | null = null;
  remote: Meter | null = null;
  #context: AudioContext;
  #sink: HTMLAudioElement | null = null;

  private constructor() {
    this.#context = new AudioContext();
  }

  /** Make it; null where there is no Web Audio. In a click, or browsers keep it suspended. */
  static open(): Levels | null {
    return typeof AudioContext === "undefined" ? null : new Levels();
  }

  /** Measure what is sent. */
  watchLocal(stream: MediaStream): void {
    this.local?.close();
    this.local = this.#measure(stream);
  }

  /** Measure what is received. */
  watchRemote(stream: MediaStream): void {
    this.remote?.close();
    this.remote = this.#measure(stream);
    if (!this.remote) return;
    // Chrome decodes a remote track for Web Audio only while some element plays it.
    this.#sink ??= new Audio();
    this.#sink.muted = true;
    this.#sink.srcObject = stream;
    this.#sink.play().catch(() => undefined); // the page's own element plays it, then
  }

  /** Release everything. */
  close(): void {
    this.local?.close();
    this.remote?.close();
    this.local = this.remote = null;
    if (this.#sink) this.#sink.srcObject = null;
    void this.#context.close();
  }

  #measure(stream: MediaStream): Meter | null {
    if (!stream.getAudioTracks().length) return null;
    void this.#context.resume();
    return new Meter(this.#context, stream);
  }
}

/** Root mean square (0 to 1) to dB, never below silence. */
export function toDecibels(rms: number): number {
  return Math.max(SILENCE, 20 * Math.log10(rms + 1e-9));
}

/**
 * Sum up a spectrum in bands that are equally wide to the ear.
 *
 * @param strengths Of equally wide bins from 0 Hz to half the sample rate, 0 to 255.
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
