/** The user's own video as a small picture, which can be moved to any corner, or hidden. */

import { h, setAttribute } from "./dom";
import { icon, setIcon } from "./icons";

/** Clockwise, the order in which the button moves it. */
const CORNERS = ["bottom-right", "bottom-left", "top-left", "top-right"] as const;

/** A corner of the large picture. */
export type Corner = (typeof CORNERS)[number];

/** Return the corner nearest to a point, in a box of the given size. */
export function nearestCorner(x: number, y: number, width: number, height: number): Corner {
  return `${y < height / 2 ? "top" : "bottom"}-${x < width / 2 ? "left" : "right"}`;
}

/** Pointer movement that starts a drag, in CSS pixels. */
const SLACK = 4;

/** The small picture and its two buttons. */
export class SelfView {
  readonly video: HTMLVideoElement;
  readonly root: HTMLElement;
  readonly #foldIcon = icon("hide");
  readonly #fold: HTMLButtonElement;
  #folded = false;

  constructor(video: HTMLVideoElement) {
    this.video = video;
    this.#fold = small(this.#foldIcon, () => {
      this.#show(this.#folded);
    });
    const move = small(icon("move"), () => {
      this.#next();
    });
    name(move, "Move your picture");
    this.root = h(
      "div",
      { class: "frtc-own" },
      video,
      h("div", { class: "frtc-own-off" }, icon("cameraOff")),
      h("div", { class: "frtc-own-buttons" }, move, this.#fold),
    );
    this.#put("bottom-right");
    this.#show(true);
    video.addEventListener("resize", () => {
      const { videoWidth: width, videoHeight: height } = video;
      if (!width || !height) return;
      this.root.style.setProperty("--frtc-aspect", `${width} / ${height}`);
      this.root.classList.toggle("frtc-upright", height > width);
    });
    this.root.addEventListener("pointerdown", (event) => {
      this.#drag(event);
    });
  }

  /** Show an icon while the camera is off. */
  showOff(off: boolean): void {
    this.root.classList.toggle("frtc-off", off);
  }

  #show(visible: boolean): void {
    this.#folded = !visible;
    this.root.classList.toggle("frtc-folded", !visible);
    setIcon(this.#foldIcon, visible ? "hide" : "show");
    name(this.#fold, visible ? "Hide your picture" : "Show your picture");
  }

  #put(corner: Corner): void {
    this.root.dataset["corner"] = corner;
  }

  #next(): void {
    const now = CORNERS.findIndex((corner) => corner === this.root.dataset["corner"]);
    this.#put(CORNERS[(now + 1) % CORNERS.length] ?? CORNERS[0]);
  }

  /** Follow the pointer, and move to the nearest corner when it is released. */
  #drag(start: PointerEvent): void {
    const { root } = this;
    const around = root.parentElement;
    if (!around || start.button !== 0 || (start.target as Element).closest("button")) return;
    const ended = new AbortController();
    const { signal } = ended;
    root.setPointerCapture(start.pointerId);
    root.addEventListener(
      "pointermove",
      ({ clientX, clientY }) => {
        const [x, y] = [clientX - start.clientX, clientY - start.clientY];
        if (Math.hypot(x, y) >= SLACK) root.classList.add("frtc-dragged");
        if (root.classList.contains("frtc-dragged")) root.style.translate = `${x}px ${y}px`;
      },
      { signal },
    );
    const end = ({ type }: PointerEvent): void => {
      ended.abort();
      const [own, box] = [root.getBoundingClientRect(), around.getBoundingClientRect()];
      const dragged = root.classList.contains("frtc-dragged");
      root.classList.remove("frtc-dragged");
      root.style.translate = "";
      if (!dragged || type === "pointercancel") return;
      const [x, y] = [own.left + own.width / 2 - box.left, own.top + own.height / 2 - box.top];
      this.#put(nearestCorner(x, y, box.width, box.height));
    };
    root.addEventListener("pointerup", end, { signal });
    root.addEventListener("pointercancel", end, { signal });
  }
}

function small(picture: SVGSVGElement, press: () => void): HTMLButtonElement {
  const button = h("button", { class: "frtc-small", type: "button" }, picture);
  button.addEventListener("click", press);
  return button;
}

function name(button: HTMLButtonElement, label: string): void {
  setAttribute(button, "aria-label", label);
  setAttribute(button, "title", label);
}
