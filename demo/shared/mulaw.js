// Mu-law of ITU-T G.711: eight bits for a sample of fourteen.

const BIAS = 33;

export function encodeMulaw(samples) {
  return Uint8Array.from(samples, (sample) => {
    const value = Math.round(Math.max(-1, Math.min(1, sample)) * 8191);
    const biased = Math.min(Math.abs(value) + BIAS, 8191);
    const segment = 26 - Math.clz32(biased); // of a number from 33 to 8191: 0 to 7
    const code = (segment << 4) | ((biased >> (segment + 1)) & 0x0f) | (value < 0 ? 0x80 : 0);
    return ~code & 0xff;
  });
}

export function decodeMulaw(bytes) {
  return Float32Array.from(bytes, (byte) => {
    const code = ~byte & 0xff;
    const size = ((((code & 0x0f) << 1) | 0x21) << ((code >> 4) & 7)) - BIAS;
    return (code & 0x80 ? -size : size) / 8192;
  });
}
