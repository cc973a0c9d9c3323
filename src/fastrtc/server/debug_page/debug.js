/**
 * The debug page of a stream: asks the server for its state once a second, and shows it.
 *
 * `GET debug/state` returns what `server/debug_state.py` describes. Elements are kept as long as
 * their session is, so that the focus, an open section and the position in the page stay.
 */

import { Timeline, readTurn } from "./timeline.js";

const PERIOD_MS = 1000;
const SILENT_DB = -60;

/** @type {(id: string) => HTMLElement} */
const find = (id) => document.getElementById(id);
const sessions = new Map();
const ended = new Map();
let paused = false;
let updating = false;
let timer = 0;

function element(tag, text = "", className = "") {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

const known = (value) => value !== null && value !== undefined;
const ms = (seconds) => (known(seconds) ? `${Math.round(seconds * 1000)} ms` : "–");
const percent = (ratio) => (known(ratio) ? `${(ratio * 100).toFixed(1)} %` : "–");
const decibels = (db) => `${Math.round(db)} dB`.replace("-", "−");

function duration(seconds) {
  const whole = Math.floor(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

/** Show names and values as a list of definitions, keeping its elements. */
class Figures {
  constructor(root = element("dl")) {
    this.root = root;
    root.className = "figures";
    this.values = new Map();
  }

  show(entries) {
    for (const [name, text, bad = false] of entries) {
      let value = this.values.get(name);
      if (!value) {
        const box = element("div");
        value = element("dd");
        box.append(element("dt", name), value);
        this.root.append(box);
        this.values.set(name, value);
      }
      setText(value, String(text));
      value.classList.toggle("bad", bad);
    }
  }
}

class Level {
  constructor(parent, name) {
    this.meter = element("meter");
    this.meter.min = SILENT_DB;
    this.meter.max = 0;
    this.meter.setAttribute("aria-label", `${name} level in dB of full scale`);
    this.text = element("span");
    parent.append(element("span", name), this.meter, this.text);
  }

  show(db) {
    this.meter.value = known(db) ? Math.max(SILENT_DB, db) : SILENT_DB;
    setText(this.text, known(db) ? decibels(db) : "no audio");
  }
}

/** One session, or one that has ended. */
class Session {
  constructor(parent) {
    this.root = element("details");
    const summary = element("summary");
    this.name = element("strong");
    this.about = element("span");
    this.state = element("span", "", "quiet");
    summary.append(this.name, this.about, this.state);
    const body = element("div", "", "body");
    const levels = element("div", "", "levels");
    this.heard = new Level(levels, "Received");
    this.said = new Level(levels, "Sent");
    this.levels = levels;
    this.figures = new Figures();
    this.timeline = new Timeline({ most: 20 });
    this.turns = new Set();
    const turns = element("div", "", "turns");
    turns.append(this.timeline.root);
    body.append(levels, this.figures.root, turns);
    this.root.append(summary, body);
    parent.prepend(this.root);
  }

  show(data) {
    setText(this.name, data.key);
    setText(this.about, `${data.transport}, ${duration(data.age_s)}`);
    const end = data.end && `${data.end.code.replaceAll("_", " ")}: ${data.end.reason}`;
    setText(this.state, end ?? data.state.replaceAll("_", " "));
    this.levels.hidden = Boolean(data.end);
    this.heard.show(data.received?.level_db);
    this.said.show(data.sent?.level_db);
    this.figures.show(figuresOf(data));
    for (const turn of data.turns) {
      const seen = `${turn.number}/${turn.outcome}`;
      if (this.turns.has(seen)) continue;
      this.turns.add(seen);
      const record = readTurn(turn);
      if (record) this.timeline.add(record);
    }
  }
}

function figuresOf(data) {
  const stats = data.stats ?? {};
  const rows = [["Handler", data.handler]];
  if (data.received) {
    rows.push(
      ["Waits for receive", ms(data.received.queued_s), data.received.queued_s > 1],
      ["Dropped, received", data.received.dropped, data.received.dropped > 0],
    );
  }
  if (data.sent) rows.push(["Queued to send", ms(data.sent.queued_s)]);
  if (known(data.messages)) rows.push(["Messages queued", data.messages, data.messages > 100]);
  if (data.stats) {
    rows.push(
      ["Dropped, sent", stats.frames_dropped_out, stats.frames_dropped_out > 0],
      ["Round trip", ms(stats.round_trip_s)],
      ["Loss received", percent(stats.loss_in), stats.loss_in > 0.02],
      ["Loss sent", percent(stats.loss_out), stats.loss_out > 0.02],
      ["Jitter", ms(stats.jitter_s)],
      ["Concealed", ms(stats.concealed_s), stats.concealed_s > 1],
      ["Codec", stats.codec || "–"],
      ["Path", [stats.protocol, stats.candidate_type].filter(known).join(" ") || "–"],
    );
  }
  rows.push(["Turns", data.turns_total]);
  return rows;
}

/** Show a list of sessions, keeping the elements of those that are still there. */
function showAll(shown, list, parent, none) {
  const numbers = new Set(list.map((data) => data.number));
  for (const [number, session] of shown) {
    if (numbers.has(number)) continue;
    session.root.remove();
    shown.delete(number);
  }
  for (const data of list) {
    let session = shown.get(data.number);
    if (!session) {
      session = new Session(parent);
      session.root.open = shown === sessions && shown.size === 0;
      shown.set(data.number, session);
    }
    session.show(data);
  }
  none.hidden = list.length > 0;
}

function show(state) {
  setText(find("path"), state.path);
  const { load } = state;
  totals.show([
    ["Sessions", load.sessions],
    ["Free places", load.places ?? "no limit", load.places === 0],
    ["Event loop lag", ms(state.loop_lag_s), state.loop_lag_s > 0.02],
    ["Refused", state.refused],
    ["Ended", state.ended_total],
    ["State", load.draining ? "stopping" : "running", load.draining],
  ]);
  showAll(sessions, state.sessions, find("sessions"), find("none"));
  showAll(ended, state.ended, find("ended"), find("none-ended"));
  const more = state.sessions_total - state.sessions.length;
  setText(find("sessions-title"), more > 0 ? `Sessions (${more} more)` : "Sessions");
}

function say(text, bad = false) {
  setText(find("connection"), text);
  find("connection").classList.toggle("bad", bad);
}

async function update() {
  if (updating) return;
  updating = true;
  try {
    const answer = await fetch(`debug/state${location.search}`, { cache: "no-store" });
    if (!answer.ok) throw new Error(`The server answers with ${answer.status}`);
    show(await answer.json());
    say("Live");
  } catch (error) {
    say(error instanceof TypeError ? "The server does not answer" : error.message, true);
  }
  updating = false;
  if (paused) say("Paused");
  else if (!document.hidden) timer = setTimeout(update, PERIOD_MS);
}

const dark = matchMedia("(prefers-color-scheme: dark)");

/** The timeline has its dark colours below an element of this class. */
function setTheme() {
  document.documentElement.classList.toggle("dark", dark.matches);
}

dark.addEventListener("change", setTheme);
setTheme();

const totals = new Figures(find("totals"));

find("pause").addEventListener("click", () => {
  paused = !paused;
  clearTimeout(timer);
  find("pause").setAttribute("aria-pressed", String(paused));
  if (paused) say("Paused");
  else void update();
});

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden && !paused) void update();
});

void update();
