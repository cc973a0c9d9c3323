// What all demo pages have in common: the button, the state, the meters, the statistics, the log.

import { KINDS, StreamClient } from "./client.js";
import { Bar, Listener, Trace } from "./meters.js";

const BUTTONS = {
  idle: ["start", "Start"],
  asking: ["cancel", "Cancel"],
  connecting: ["cancel", "Cancel"],
  connected: ["stop", "Stop"],
  interrupted: ["stop", "Stop"],
  ended: ["start", "Start again"],
  error: ["start", "Try again"],
};

const PANEL = `
  <section class="card control" aria-label="Connection">
    <div class="state">
      <span class="dot" aria-hidden="true"></span>
      <p class="status" role="status" aria-live="polite"></p>
      <span class="clock" aria-hidden="true"></span>
    </div>
    <button type="button" class="go"><span class="icon" aria-hidden="true"></span><span class="label"></span></button>
    <div class="alert" role="alert" hidden></div>
  </section>
  <section class="card levels" aria-label="Levels"></section>
  <section class="card" aria-label="Statistics">
    <h2>Statistics</h2>
    <dl class="stats"></dl>
  </section>`;

const MORE = `
  <details class="card log">
    <summary>Messages <span class="count" aria-hidden="true">0</span></summary>
    <form class="say">
      <label for="say">Send a text on the data channel</label>
      <input id="say" autocomplete="off" placeholder="hello" disabled>
      <button type="submit" disabled>Send</button>
    </form>
    <ol class="entries" tabindex="0" aria-label="Messages, newest first"></ol>
  </details>
  <details class="card code">
    <summary>The Python behind this page</summary>
    <pre tabindex="0" aria-label="Python source"><code></code></pre>
  </details>`;

export function startDemo(root) {
  const { modality, mode } = root.dataset;
  const client = new StreamClient({ modality, mode });
  const page = new Page(root, client, modality, mode);
  // Leaving closes the connection, so that the server need not find out by itself. A page that
  // comes back from the browser's cache of pages stands there as ended.
  addEventListener("pagehide", () => client.close());
  window.demo = { client, page }; // for the browser's console
}

class Page {
  constructor(root, client, modality, mode) {
    this.root = root;
    this.client = client;
    this.kinds = KINDS[modality];
    this.devices = this.kinds.map((kind) => (kind === "audio" ? "microphone" : "camera")).join(" and ");
    this.directions = { "send-receive": ["sent", "received"], receive: ["received"], send: ["sent"] }[mode];
    this.local = root.querySelector("[data-role=local]");
    this.remote = root.querySelector("[data-role=remote]");
    this.build();
    this.listen();
    this.follow({ state: "idle", text: "" });
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  build() {
    this.find(".panel").innerHTML = PANEL;
    this.find(".more").innerHTML = MORE;
    const levels = this.find(".levels");
    if (this.kinds.includes("audio")) {
      levels.innerHTML = `<h2>Level</h2>${this.directions.map(meter).join("")}`;
      this.bars = new Map(this.directions.map((way) => [way, new Bar(this.find(`.meter.${way}`))]));
    } else {
      levels.remove();
      this.bars = new Map();
    }
    const canvas = this.find("canvas.trace");
    if (canvas) {
      canvas.dataset.directions = this.directions.length === 2 ? "both" : "one";
      this.trace = new Trace(canvas);
    }
    this.tell(null);
    this.loadSource();
  }

  listen() {
    this.find(".go").addEventListener("click", () => this.press());
    this.find(".say").addEventListener("submit", (event) => {
      event.preventDefault();
      const input = this.find("#say");
      if (input.value && this.client.send(input.value)) input.value = "";
    });
    this.client.on("state", (detail) => this.follow(detail));
    this.client.on("local", (stream) => this.play(this.local, "sent", stream));
    this.client.on("remote", (stream) => this.play(this.remote, "received", stream));
    this.client.on("message", (message) => this.log("received", message));
    this.client.on("sent", (message) => this.log("sent", message));
    this.client.on("notice", ({ kind, text }) => this.alert(kind, text));
  }

  press() {
    if (this.client.active) return this.client.close();
    this.alert(null);
    this.listener ??= this.kinds.includes("audio") ? new Listener() : null;
    this.client.connect();
  }

  follow({ state, text }) {
    const [action, label] = BUTTONS[state];
    this.root.dataset.state = state;
    const button = this.find(".go");
    button.dataset.action = action;
    button.querySelector(".label").textContent = label;
    this.find(".status").textContent = this.sentence(state, text);
    if (state === "error") this.alert("error", text);
    if (state !== "idle") this.log("state", { type: state, data: text });
    const connected = state === "connected" || state === "interrupted";
    for (const field of this.root.querySelectorAll(".say input, .say button")) field.disabled = !connected;
    if (connected) this.begin();
    else this.finish(state);
  }

  sentence(state, text) {
    switch (state) {
      case "idle":
        return "Ready";
      case "asking":
        return `Asking for the ${this.devices}…`;
      case "connecting":
        return "Connecting…";
      case "connected":
        return "Connected";
      case "interrupted":
        return "Interrupted, waiting for the server…";
      case "ended":
        return text || "Ended";
      default:
        return "Not connected";
    }
  }

  // Everything that runs only while connected.
  begin() {
    if (this.running) return;
    this.running = true;
    this.since = performance.now();
    this.seconds = setInterval(() => this.everySecond(), 1000);
    this.everySecond();
    const frame = (now) => {
      if (!this.running) return;
      this.measure(now);
      requestAnimationFrame(frame);
    };
    if (this.listener) requestAnimationFrame(frame);
  }

  finish(state) {
    this.running = false;
    clearInterval(this.seconds);
    if (state === "asking") this.trace?.clear();
    if (state === "asking" || state === "connecting") return;
    this.tell(null);
    this.find(".clock").textContent = "";
    for (const way of this.directions) this.listener?.forget(way);
    for (const bar of this.bars.values()) Object.assign(bar, { shown: -60, highest: -60 }).show(-60, 0);
    for (const element of [this.local, this.remote]) {
      if (!element) continue;
      element.srcObject = null;
      element.closest(".screen")?.classList.remove("live");
    }
  }

  async play(element, direction, stream) {
    this.listener?.listen(direction, stream);
    if (!element || element.srcObject === stream) return;
    element.srcObject = stream;
    element.closest(".screen")?.classList.add("live");
    try {
      await element.play();
    } catch (error) {
      if (error.name === "NotAllowedError") {
        element.controls = true;
        this.alert("warning", "The browser waits for you before it plays sound: press play.");
      }
    }
  }

  measure(now) {
    const levels = { sent: -60, received: -60 };
    for (const [way, bar] of this.bars) {
      levels[way] = this.listener.level(way);
      bar.show(levels[way], now);
    }
    this.trace?.add(levels, now);
  }

  async everySecond() {
    const seconds = Math.floor((performance.now() - this.since) / 1000);
    this.find(".clock").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    const stats = await this.client.stats();
    if (this.running) this.tell(stats);
  }

  tell(stats) {
    const rows = [["Round trip", stats?.roundTrip == null ? null : `${(stats.roundTrip * 1000).toFixed(0)} ms`]];
    if (this.directions.includes("sent")) rows.push(["Sending", bitrate(stats?.sending)]);
    rows.push(["Receiving", bitrate(stats?.receiving)]);
    rows.push(["Lost", stats?.packets ? `${((100 * stats.lost) / (stats.packets + stats.lost)).toFixed(1)} %` : null]);
    if (this.kinds.includes("video")) {
      const [width, height, fps] = stats?.picture ?? [];
      rows.push(["Picture", width ? `${width} × ${height}, ${Math.round(fps)}/s` : null]);
    }
    rows.push(["Codec", stats?.codecs?.join(", ") || null]);
    this.find(".stats").replaceChildren(
      ...rows.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value ?? "–"))),
    );
  }

  alert(kind, text) {
    const box = this.find(".alert");
    box.hidden = !kind;
    box.className = `alert ${kind ?? ""}`;
    box.textContent = text ?? "";
  }

  log(way, entry) {
    const { type, data, message, ...rest } = typeof entry === "string" ? { data: entry } : entry;
    const list = this.find(".entries");
    const said = data ?? message ?? (Object.keys(rest).length ? rest : "");
    const text = typeof said === "string" ? said : JSON.stringify(said);
    const row = make(
      "li",
      { className: way },
      make("time", {}, new Date().toLocaleTimeString([], { hour12: false })),
      make("span", { className: "way" }, { sent: "sent", received: "received", state: "page" }[way]),
      make("code", {}, [type, text].filter(Boolean).join(": ") || "–"),
    );
    list.prepend(row);
    while (list.children.length > 200) list.lastChild.remove();
    this.entries = (this.entries ?? 0) + 1;
    this.find(".count").textContent = this.entries;
  }

  async loadSource() {
    const code = this.find(".code code");
    try {
      const source = await (await fetch("app.py")).text();
      code.replaceChildren(...highlight(source.split("\nif __name__")[0].trimEnd()));
    } catch {
      this.find(".code").remove();
    }
  }
}

function meter(way) {
  return `
    <div class="level">
      <span aria-hidden="true">${way === "sent" ? "Sent" : "Received"}</span>
      <div class="meter ${way}" role="meter" aria-label="Level ${way}" aria-valuemin="-60" aria-valuemax="0">
        <div class="fill"></div><div class="peak"></div>
      </div>
    </div>`;
}

function bitrate(bits) {
  if (bits == null) return null;
  return bits < 1e6 ? `${(bits / 1e3).toFixed(0)} kbit/s` : `${(bits / 1e6).toFixed(1)} Mbit/s`;
}

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const PYTHON =
  /("""[\s\S]*?"""|"[^"\n]*")|(#[^\n]*)|\b(def|class|return|yield|async|await|for|in|if|else|while|import|from|not|is|None|True|False|with|as)\b|\b(\d[\d_.]*)\b/g;

function* highlight(source) {
  let done = 0;
  for (const match of source.matchAll(PYTHON)) {
    yield source.slice(done, match.index);
    const className = ["string", "comment", "keyword", "number"][match.slice(1).findIndex(Boolean)];
    yield make("span", { className }, match[0]);
    done = match.index + match[0].length;
  }
  yield source.slice(done);
}
