/** What the page of the test does with OpenAI's client for browsers; loaded behind its bundle. */

const { OpenAIRealtimeWebRTC, OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession, tool } =
  window.OpenAIAgentsRealtime;

const cities = [];
const weather = tool({
  name: "weather",
  description: "The weather in a city",
  strict: false,
  parameters: { type: "object", properties: { city: { type: "string" } }, required: [] },
  execute: async ({ city }) => {
    cities.push(city);
    return "cold";
  },
});

/** A session of the client, with a log of the server's events to wait for. */
class Talk {
  constructor(transport) {
    const agent = new RealtimeAgent({ name: "Anna", instructions: "Be kind.", tools: [weather] });
    this.session = new RealtimeSession(agent, { transport, tracingDisabled: true });
    this.events = [];
    this.errors = [];
    this.interrupted = 0;
    this.wake = () => {};
    this.session.transport.on("*", (event) => {
      this.events.push(event);
      this.wake();
    });
    this.session.on("error", (error) => this.errors.push(JSON.stringify(error)));
    this.session.on("audio_interrupted", () => (this.interrupted += 1));
  }

  /** Wait for the next event of a type, and forget those before it. */
  async until(type, accept = () => true) {
    for (;;) {
      const index = this.events.findIndex((event) => event.type === type && accept(event));
      if (index >= 0) {
        return this.events.splice(0, index + 1).at(-1);
      }
      await new Promise((resolve) => (this.wake = resolve));
    }
  }

  /** Wait for the end of a response; its transcripts, or the reason why it was cancelled. */
  async reply() {
    const { response } = await this.until("response.done", ({ response: one }) =>
      one.output.every(({ type }) => type === "message"),
    );
    const said = response.output.map(({ content }) => content[0]?.transcript).join(" ");
    return response.status === "completed" ? said : response.status_details.reason;
  }
}

async function overWebRTC(key) {
  const audioElement = document.querySelector("audio");
  const url = `${location.origin}/v1/realtime/calls`;
  const talk = new Talk(new OpenAIRealtimeWebRTC({ baseUrl: url, audioElement }));
  await talk.session.connect({ apiKey: key });
  await talk.until("input_audio_buffer.speech_started");
  const spoken = await talk.reply();
  talk.session.sendMessage("Tell me a story.");
  await talk.until("output_audio_buffer.started");
  talk.session.interrupt();
  const story = await talk.reply();
  const { audio_end_ms } = await talk.until("conversation.item.truncated");
  talk.session.sendMessage("How is the weather?");
  const forecast = await talk.reply();
  const heard = [...(await talk.session.transport.connectionState.peerConnection.getStats()).values()]
    .filter(({ type, kind }) => type === "inbound-rtp" && kind === "audio")
    .map(({ totalAudioEnergy }) => totalAudioEnergy > 0);
  const callId = talk.session.transport.callId;
  talk.session.close();
  return { spoken, story, audio_end_ms, forecast, heard, callId, errors: talk.errors, cities };
}

/** A second of a tone, and so much silence that it ends a turn: 16-bit PCM at 24 kHz. */
function tone() {
  const samples = new Int16Array(24_000 * 1.8);
  for (let k = 0; k < 24_000; k += 1) {
    samples[k] = 6000 * Math.sin((2 * Math.PI * 440 * k) / 24_000);
  }
  return samples;
}

async function overWebSocket(key) {
  const url = `${location.origin.replace("http", "ws")}/v1/realtime?model=any`;
  const talk = new Talk(new OpenAIRealtimeWebSocket({ url }));
  let bytes = 0;
  talk.session.on("audio", ({ data }) => (bytes += data.byteLength));
  await talk.session.connect({ apiKey: key });
  await talk.until("session.updated");
  talk.session.sendAudio(tone().buffer);
  const spoken = await talk.reply();
  const history = talk.session.history.map(({ role, content }) => [role, content[0].transcript]);
  talk.session.sendMessage("Tell me a story.");
  await talk.until("response.output_audio.delta");
  talk.session.sendAudio(tone().buffer);
  const story = await talk.reply();
  await talk.until("conversation.item.truncated");
  const after = await talk.reply();
  talk.session.sendMessage("How is the weather?");
  const forecast = await talk.reply();
  const { interrupted, errors } = talk;
  talk.session.close();
  return { spoken, story, after, forecast, interrupted, bytes, history, errors, cities };
}

/** The errors of both transports with a key that the server does not accept. */
async function refused(key) {
  const base = `${location.origin}/v1/realtime`;
  const transports = [
    new OpenAIRealtimeWebRTC({ baseUrl: `${base}/calls` }),
    new OpenAIRealtimeWebSocket({ url: base.replace("http", "ws") }),
  ];
  const errors = [];
  for (const transport of transports) {
    transport.on("error", () => {});
    try {
      await transport.connect({ apiKey: key });
      errors.push("connected");
    } catch (error) {
      errors.push(error.message ?? error.type);
    }
  }
  return errors;
}

Object.assign(window, { overWebRTC, overWebSocket, refused });
