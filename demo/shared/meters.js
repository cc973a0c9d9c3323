// Displays sent and received audio: two level bars, and a trace of the last seconds.

export const FLOOR = -60; // level of silence in dB
const STEP = 50; // ms per bar of the trace
const PITCH = 6; // px between bars
const CALM_STEP = 1000; // ms between updates of the trace with reduced motion
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const share = (level) => (level - FLOOR) / -FLOOR;

// A bar with a peak mark, for one direction.
export class Bar {
  constructor(element) {
    this.element = element;
    this.fill = element.querySelector(".fill");
    this.peak = element.querySelector(".peak");
    this.told = 0;
    this.reset();
  }

  reset() {
    this.highest = FLOOR;
    this.shown = FLOOR;
    this.show(FLOOR, 0);
  }

  show(level, now) {
    // Rise immediately and fall slowly, as meters do.
    this.shown = Math.max(level, this.shown - 1.2);
    this.highest = Math.max(level, this.highest - 0.25);
    this.fill.style.scale = `${share(this.shown)} 1`;
    this.peak.style.left = `${share(this.highest) * 100}%`;
    if (now - this.told < 250 && now) return;
    this.told = now;
    this.element.setAttribute("aria-valuenow", Math.round(level));
    this.element.setAttribute("aria-valuetext", level <= FLOOR ? "silent" : `${Math.round(level)} dB`);
  }
}

// The last seconds: sent audio above the line, received audio below.
export class Trace {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.past = { sent: [], received: [] };
    this.next = 0;
    this.drawn = 0;
    this.loudest = { sent: FLOOR, received: FLOOR };
    new ResizeObserver(() => this.resize()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.recolour());
    this.recolour();
  }

  recolour() {
    const style = getComputedStyle(this.canvas);
    this.colours = Object.fromEntries(
      ["sent", "received", "line"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
    );
    this.draw(0);
  }

  resize() {
    const scale = devicePixelRatio || 1;
    this.canvas.width = this.canvas.clientWidth * scale;
    this.canvas.height = this.canvas.clientHeight * scale;
    this.pen.setTransform(scale, 0, 0, scale, 0, 0);
    this.draw(0);
  }

  clear() {
    this.past = { sent: [], received: [] };
    this.next = 0;
    this.draw(0);
  }

  add(levels, now) {
    for (const direction of ["sent", "received"]) {
      this.loudest[direction] = Math.max(this.loudest[direction], levels[direction]);
    }
    if (!this.next || now - this.next > 500) this.next = now; // just started, or the page was hidden
    while (this.next <= now) {
      this.next += STEP;
      for (const direction of ["sent", "received"]) {
        const past = this.past[direction];
        past.push(this.loudest[direction]);
        if (past.length > 600) past.shift();
        this.loudest[direction] = levels[direction];
      }
    }
    if (!calm.matches) this.draw(1 - (this.next - now) / STEP);
    else if (now - this.drawn > CALM_STEP) {
      this.drawn = now;
      this.draw(0);
    }
  }

  draw(ahead) {
    const { pen, canvas } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const twoWays = canvas.dataset.directions === "both";
    const middle = Math.round(height / 2);
    pen.clearRect(0, 0, width, height);
    pen.fillStyle = this.colours.line;
    for (let x = width - 3 - ahead * PITCH; x > -PITCH; x -= PITCH) {
      pen.beginPath();
      pen.roundRect(x, middle - 1, 3, 2, 1);
      pen.fill();
    }
    for (const direction of ["sent", "received"]) {
      pen.fillStyle = this.colours[direction];
      const past = this.past[direction];
      for (let back = 1; back <= past.length; back++) {
        const x = width - 3 - (back - 1 + ahead) * PITCH;
        if (x < -PITCH) break;
        const size = share(past[past.length - back]) ** 1.3 * (middle - 14);
        if (size < 1) continue;
        pen.beginPath();
        if (!twoWays) pen.roundRect(x, middle - size, 3, size * 2, 1.5);
        else if (direction === "sent") pen.roundRect(x, middle - 2 - size, 3, size, 1.5);
        else pen.roundRect(x, middle + 2, 3, size, 1.5);
        pen.fill();
      }
    }
  }
}
