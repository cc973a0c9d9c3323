/** The audio thread of a WebSocket connection: capture and playout. */

/** The part of the AudioWorkletGlobalScope that is used here. */
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: typeof AudioWorkletProcessor): void;
declare const sampleRate: number;

/**
 * Register the processors; runs in the audio thread, so it uses nothing from outside.
 *
 * - `fastrtc-capture` posts 20 ms of its input at a time, as `Int16Array`.
 * - `fastrtc-playout` plays the `Int16Array`s that it is sent, behind a jitter buffer. It is also
 *   sent `"clear"`, `"pause"`, `"resume"`, and `"drop"`: it clears, and posts how many samples that
 *   were.
 */
function registerProcessors(): void {
  const SIZE = Math.round(sampleRate / 50);
  const BUFFER = Math.round(sampleRate * 0.06); // jitter buffer, filled before playout starts

  class Capture extends AudioWorkletProcessor {
    #block = new Int16Array(SIZE);
    #filled = 0;

    process([input]: Float32Array[][]): boolean {
      for (const sample of input?.[0] ?? []) {
        this.#block[this.#filled++] = Math.max(-1, Math.min(1, sample)) * 32767;
        if (this.#filled === SIZE) {
          this.port.postMessage(this.#block, [this.#block.buffer]);
          this.#block = new Int16Array(SIZE);
          this.#filled = 0;
        }
      }
      return true;
    }
  }

  class Playout extends AudioWorkletProcessor {
    #blocks: Int16Array[] = [];
    /** Position in the first block. */
    #at = 0;
    #waiting = 0;
    #playing = false;
    #paused = false;
    /** Samples since the last block arrived. */
    #quiet = 0;

    constructor() {
      super();
      this.port.onmessage = ({ data }: MessageEvent<Int16Array | string>) => {
        if (typeof data !== "string") {
          this.#blocks.push(data);
          this.#waiting += data.length;
          this.#quiet = 0;
        } else {
          this.#paused = data === "pause";
          if (data === "drop") this.port.postMessage(this.#waiting);
          if (data === "clear" || data === "drop") {
            this.#blocks = [];
            this.#at = this.#waiting = 0;
          }
        }
      };
    }

    process(_: Float32Array[][], [output]: Float32Array[][]): boolean {
      const channel = output?.[0];
      if (!channel || this.#paused) return true;
      this.#quiet += channel.length;
      // A short reply never fills the buffer: it starts when no more audio arrives in time.
      if (this.#waiting >= BUFFER || this.#quiet >= BUFFER) this.#playing = this.#waiting > 0;
      for (let i = 0; this.#playing && i < channel.length; i++) {
        const [block] = this.#blocks;
        if (!block) {
          this.#playing = false;
          break;
        }
        channel[i] = (block[this.#at++] ?? 0) / 32768;
        this.#waiting--;
        if (this.#at === block.length) {
          this.#blocks.shift();
          this.#at = 0;
        }
      }
      return true;
    }
  }

  registerProcessor("fastrtc-capture", Capture);
  registerProcessor("fastrtc-playout", Playout);
}

/** Return the source text of the audio thread's module. */
export function worklets(): string {
  return `(${registerProcessors.toString()})()`;
}
