// Measures the round-trip delay of audio, by comparing the loudness of sent and received audio every
// 10 ms, on one clock.

const BLOCK = 480; // samples at 48 kHz
const KEPT = 400; // blocks: 4 s
const LONGEST = 100; // blocks: one second, the maximum delay
const ALIKE = 0.6; // minimum similarity of the two (1 is equal)
const LOUD = 0.2; // minimum peak loudness for a measurement (1 is full scale)

const PROCESSOR = `
  registerProcessor("loudness", class extends AudioWorkletProcessor {
    constructor(options) {
      super();
      this.sums = new Float64Array(options.numberOfInputs);
      this.count = 0;
    }
    process(inputs) {
      inputs.forEach(([samples], index) => {
        for (const sample of samples ?? []) this.sums[index] += sample * sample;
      });
      this.count += 128;
      if (this.count >= ${BLOCK}) {
        this.port.postMessage(Array.from(this.sums, (sum) => sum / this.count));
        this.sums.fill(0);
        this.count = 0;
      }
      return true;
    }
  });`;

// From 0 (-60 dB or less) to 1 (full scale).
const loudness = (power) => Math.max(0, 1 + Math.log10(power + 1e-12) / 6);

export class DelayMeter {
  // `count`: the number of streams; the others are compared with the first.
  constructor(count) {
    this.past = Array.from({ length: count }, () => []);
    this.sources = [];
  }

  async start() {
    this.context = new AudioContext({ sampleRate: 48000 });
    const url = URL.createObjectURL(new Blob([PROCESSOR], { type: "text/javascript" }));
    await this.context.audioWorklet.addModule(url);
    URL.revokeObjectURL(url);
    this.node = new AudioWorkletNode(this.context, "loudness", { numberOfInputs: this.past.length, numberOfOutputs: 0 });
    this.node.port.onmessage = ({ data }) => {
      data.forEach((power, index) => {
        this.past[index].push(loudness(power));
        if (this.past[index].length > KEPT) this.past[index].shift();
      });
    };
  }

  follow(index, stream) {
    this.sources[index]?.disconnect();
    this.sources[index] = this.context.createMediaStreamSource(stream);
    this.sources[index].connect(this.node, 0, index);
  }

  // The delay of a stream after the first, in seconds; null if it cannot be measured.
  delay(index) {
    const [sent, come] = [this.past[0], this.past[index]];
    const size = sent.length - LONGEST;
    if (size < 100 || Math.max(...sent.slice(0, size)) < LOUD) return null;
    let best = [0, ALIKE];
    for (let lag = 0; lag < LONGEST; lag++) {
      const alike = correlation(sent, come, size, lag);
      if (alike > best[1]) best = [lag, alike];
    }
    // A block of the meter is slightly longer than 10 ms, because it is a multiple of 128 samples.
    return best[1] > ALIKE ? (best[0] * Math.ceil(BLOCK / 128) * 128) / 48000 : null;
  }

  stop() {
    this.context?.close();
    this.past.forEach((one) => one.splice(0));
    this.sources = [];
  }
}

function correlation(sent, come, size, lag) {
  let [a, b, aa, bb, ab] = [0, 0, 0, 0, 0];
  for (let at = 0; at < size; at++) {
    const [x, y] = [sent[at], come[at + lag]];
    a += x;
    b += y;
    aa += x * x;
    bb += y * y;
    ab += x * y;
  }
  const variance = (aa - (a * a) / size) * (bb - (b * b) / size);
  return variance > 1e-6 ? (ab - (a * b) / size) / Math.sqrt(variance) : 0;
}
