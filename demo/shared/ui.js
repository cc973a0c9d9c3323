// The common parts of all demo pages: button, state, meters, statistics, log.

import { Connection, deviceNames } from "@fastrtc/client";
import { Bar, FLOOR, Trace } from "./meters.js";

const BUTTONS = {
  idle: ["start", "Start"],
  asking: ["cancel", "Cancel"],
  connecting: ["cancel", "Cancel"],
  connected: ["stop", "Stop"],
  reconnecting: ["stop", "Stop"],
  stopped: ["start", "Start again"],
  failed: ["start", "Try again"],
};

const ROUTES = { host: "direct", prflx: "direct", srflx: "through a NAT", relay: "through a relay" };

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
      <label for="say">Send a text</label>
      <input id="say" autocomplete="off" placeholder="hello" disabled>
      <button type="submit" disabled>Send</button>
    </form>
    <ol class="entries" tabindex="0" aria-label="Messages, newest first"></ol>
  </details>
  <details class="card code">
    <summary>The Python behind this page</summary>
    <pre tabindex="0" aria-label="Python source"><code></code></pre>
  </details>`;

// The page of a demo. Returns its connection, which may have more options.
export function startDemo(root, options = {}) {
  const { modality, mode } = root.dataset;
  const client = new Connection({ url: ".", modality, mode, ...options });
  const page = new Page(root, client, mode);
  // Leaving the page closes the connection, so that the server does not have to detect it. A page
  // restored from the browser's back/forward cache is stopped.
  addEventListener("pagehide", () => client.stop());
  window.demo = { client, page }; // for the browser's console
  return client;
}

// Remove the link to the list of demos from the page of one that runs on its own.
export function removeDeadLink() {
  const back = document.querySelector("header a");
  if (back?.pathname === location.pathname) back.remove();
}

class Page {
  constructor(root, client, mode) {
    this.root = root;
    this.client = client;
    this.kinds = client.kinds;
    this.devices = deviceNames(this.kinds);
    this.directions = { "send-receive": ["sent", "received"], receive: ["received"], send: ["sent"] }[mode];
    this.local = root.querySelector("[data-role=local]");
    this.remote = root.querySelector("[data-role=remote]");
    this.build();
    this.listen();
    this.follow({ state: "idle", error: null });
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
    removeDeadLink();
    this.tell(null);
    this.loadSource();
  }

  listen() {
    this.find(".go").addEventListener("click", () => this.press());
    this.find(".say")?.addEventListener("submit", (event) => {
      event.preventDefault();
      const input = this.find("#say");
      if (input.value && this.client.send(input.value)) input.value = "";
    });
    this.client.on("state", (detail) => this.follow(detail));
    this.client.on("local", (stream) => this.play(this.local, stream));
    this.client.on("remote", (stream) => this.play(this.remote, stream));
    this.client.on("message", (message) => this.log("received", message));
    this.client.on("sent", (message) => this.log("sent", message));
    this.client.on("transcript", (transcript) => this.caption(transcript));
    this.client.on("error", (text) => this.alert("error", text));
    this.client.on("warning", (text) => this.alert("warning", text));
    this.client.on("notice", ({ sentence }) => this.alert("warning", sentence));
    this.client.on("refused_candidate", ({ sentence }) => {
      this.log("received", { type: "candidate refused", data: sentence });
    });
  }

  press() {
    if (this.client.active) return this.client.stop();
    this.alert(null);
    this.client.start();
  }

  follow({ state, error }) {
    const text = error?.sentence ?? "";
    const [action, label] = BUTTONS[state];
    this.root.dataset.state = state;
    const button = this.find(".go");
    button.dataset.action = action;
    button.querySelector(".label").textContent = label;
    this.find(".status").textContent = this.sentence(state, text);
    if (state === "failed") this.alert("error", text);
    if (state !== "idle") this.log("state", { type: state, data: text });
    const connected = state === "connected" || state === "reconnecting";
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
      case "reconnecting":
        return "Connection lost, reconnecting…";
      case "stopped":
        return text || "Stopped";
      default:
        return "Not connected";
    }
  }

  // Everything that runs only while connected.
  begin() {
    if (this.running) return;
    this.running = true;
    this.captions?.replaceChildren();
    this.since = performance.now();
    this.seconds = setInterval(() => this.everySecond(), 1000);
    this.everySecond();
    const frame = (now) => {
      if (!this.running) return;
      this.measure(now);
      requestAnimationFrame(frame);
    };
    if (this.bars.size) requestAnimationFrame(frame);
  }

  finish(state) {
    this.running = false;
    clearInterval(this.seconds);
    if (state === "asking") this.trace?.clear();
    if (state === "asking" || state === "connecting") return;
    this.tell(null);
    this.find(".clock").textContent = "";
    for (const bar of this.bars.values()) bar.reset();
    for (const element of [this.local, this.remote]) {
      if (!element) continue;
      element.srcObject = null;
      element.closest(".screen")?.classList.remove("live");
    }
  }

  async play(element, stream) {
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
    const { local, remote } = this.client.levels;
    const levels = { sent: local?.level() ?? FLOOR, received: remote?.level() ?? FLOOR };
    for (const [way, bar] of this.bars) bar.show(levels[way], now);
    this.trace?.add(levels, now);
  }

  async everySecond() {
    const seconds = Math.floor((performance.now() - this.since) / 1000);
    this.find(".clock").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    const stats = await this.client.getStats();
    if (this.running) this.tell(stats);
  }

  tell(stats) {
    const rows = [
      ["Round trip", stats?.roundTrip == null ? null : `${(stats.roundTrip * 1000).toFixed(0)} ms`],
    ];
    const overWebRTC = this.client.transport !== "websocket";
    if (overWebRTC) rows.unshift(["Way", stats?.route ? `${ROUTES[stats.route]}, ${stats.protocol}` : null]);
    if (this.directions.includes("sent")) rows.push(["Sending", bitrate(stats?.sending)]);
    rows.push(["Receiving", bitrate(stats?.receiving)]);
    if (overWebRTC) rows.push(["Lost", stats?.loss == null ? null : `${(100 * stats.loss).toFixed(1)} %`]);
    if (this.kinds.includes("video")) {
      const { width, height, framesPerSecond } = stats?.picture ?? {};
      rows.push(["Picture", width ? `${width} × ${height}, ${Math.round(framesPerSecond)}/s` : null]);
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

  // What both sides say, if the program sends it; a new version has the key of the former one.
  caption({ key, who, text, final, interrupted }) {
    if (!this.captions) {
      this.captions = make("ol", { className: "card captions", tabIndex: 0 });
      this.captions.setAttribute("role", "log");
      this.captions.setAttribute("aria-label", "Captions");
      this.find(".stage").append(this.captions);
    }
    const list = this.captions;
    const line = [...list.children].find((one) => one.dataset.key === String(key)) ?? make("li", { dir: "auto" });
    line.dataset.key = key;
    line.className = final ? who : `${who} partial`;
    line.textContent = interrupted ? `${text} –` : text;
    if (!text) line.remove();
    else if (!line.parentElement) list.append(line);
    while (list.children.length > 50) list.firstChild.remove();
    list.scrollTop = list.scrollHeight;
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
      const answer = await fetch("app.py"); // only if all demos are served together
      if (!answer.ok) return this.find(".code").remove();
      const source = await answer.text();
      code.replaceChildren(...highlight(source.split("\nHERE = ")[0].split("\nif __name__")[0].trimEnd()));
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
