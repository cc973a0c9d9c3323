// Audio thread: a microphone that emits blocks, and a loudspeaker that queues them.

const BLOCK = 960; // samples: 20 ms at 48 kHz
const SILENT_AFTER = 0.3; // s without audio that end a reply, rather than being a late block
const CUSHION = 0.06; // s of jitter buffer before playout starts

registerProcessor(
  "microphone",
  class extends AudioWorkletProcessor {
    constructor() {
      super();
      this.block = new Float32Array(BLOCK);
      this.filled = 0;
    }

    process([input]) {
      for (const sample of input[0] ?? []) {
        this.block[this.filled++] = sample;
        if (this.filled === BLOCK) {
          this.port.postMessage(this.block, [this.block.buffer]);
          this.block = new Float32Array(BLOCK);
          this.filled = 0;
        }
      }
      return true;
    }
  },
);

registerProcessor(
  "loudspeaker",
  class extends AudioWorkletProcessor {
    constructor() {
      super();
      this.speaking = false;
      this.clear();
      this.port.onmessage = ({ data }) => {
        if (data === "clear") return this.clear();
        if (data === "pause" || data === "resume") return (this.paused = data === "pause");
        this.blocks.push(data);
        this.waiting += data.length;
        this.quiet = 0;
      };
    }

    clear() {
      this.blocks = [];
      this.at = 0; // position in the first block
      this.waiting = 0;
      this.playing = false;
      this.paused = false;
      this.quiet = 0;
    }

    process(_, [output]) {
      if (this.paused) return true;
      const channel = output[0];
      // A short reply may never fill the jitter buffer: it starts when no more audio arrives in time.
      this.quiet += channel.length;
      const cushion = CUSHION * sampleRate;
      if (!this.playing && this.waiting && (this.waiting >= cushion || this.quiet >= cushion)) {
        this.playing = true;
        if (!this.speaking) this.port.postMessage("speaking");
        this.speaking = true;
      }
      if (this.speaking && !this.playing && this.quiet >= SILENT_AFTER * sampleRate) {
        this.speaking = false;
        this.port.postMessage("silent");
      }
      if (!this.playing) return true;
      for (let i = 0; i < channel.length && this.waiting; i++) {
        channel[i] = this.blocks[0][this.at++];
        this.waiting--;
        if (this.at === this.blocks[0].length) {
          this.blocks.shift();
          this.at = 0;
        }
      }
      if (!this.waiting) {
        this.playing = false;
        this.quiet = 0;
      }
      return true;
    }
  },
);
