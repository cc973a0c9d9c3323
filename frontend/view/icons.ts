/** The line icons of the view: 24 units wide, drawn in the color of the surrounding text. */

const SHAPES = {
  microphone:
    '<rect x="9" y="3" width="6" height="11" rx="3"/><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3"/>',
  microphoneOff:
    '<path d="M15 9.5V6a3 3 0 0 0-5.6-1.5M9 9v2a3 3 0 0 0 4.6 2.5M5.5 11.5a6.5 6.5 0 0 0 10.6 5M18.2 13.6a6.4 6.4 0 0 0 .3-2.1M12 18v3M4 4l16 16"/>',
  speaker:
    '<path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4.2 4.2 0 0 1 0 6M18.3 6.2a8.2 8.2 0 0 1 0 11.6"/>',
  speakerOff: '<path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM16 9.5l5 5M21 9.5l-5 5"/>',
  camera:
    '<rect x="3" y="6.5" width="12.5" height="11" rx="2.5"/><path d="M15.5 11l5.5-3v8l-5.5-3"/>',
  cameraOff:
    '<path d="M9.5 6.5H13a2.5 2.5 0 0 1 2.5 2.5v2l5.5-3v8M15 16.5a2.5 2.5 0 0 1-2 1H5.5A2.5 2.5 0 0 1 3 15V9a2.5 2.5 0 0 1 2-2.45M4 4l16 16"/>',
  screen: '<rect x="3" y="4.5" width="18" height="12.5" rx="2.5"/><path d="M8.5 20.5h7"/>',
  devices:
    '<path d="M4 7h9M17.5 7H20M4 17h2.5M11 17h9"/><circle cx="15.2" cy="7" r="2.3"/><circle cx="8.7" cy="17" r="2.3"/>',
  details: '<path d="M5 19v-5M10 19v-9M15 19v-6M20 19V5"/>',
  captions:
    '<rect x="3" y="5" width="18" height="14" rx="3"/><path d="M6.5 11H9M12 11h5.5M6.5 15h6M15.5 15h2"/>',
  captionsOff:
    '<path d="M9 5h9a3 3 0 0 1 3 3v8.5M18 19H6a3 3 0 0 1-3-3V8a3 3 0 0 1 2-2.83M6.5 15h6M14 11h3.5M4 4l16 16"/>',
  expand: '<path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"/>',
  shrink: '<path d="M9 4v5H4M15 4v5h5M9 20v-5H4M15 20v-5h5"/>',
  hide: '<path d="M4 4l16 16M9.5 5.3A9.7 9.7 0 0 1 12 5c5 0 8.3 4.2 9.5 7a13.5 13.5 0 0 1-2.4 3.6M6.3 7.1A13.4 13.4 0 0 0 2.5 12c1.2 2.8 4.5 7 9.5 7a9.7 9.7 0 0 0 4.2-.95M9.9 9.9a3 3 0 0 0 4.2 4.2"/>',
  show: '<path d="M2.5 12c1.2-2.8 4.5-7 9.5-7s8.3 4.2 9.5 7c-1.2 2.8-4.5 7-9.5 7s-8.3-4.2-9.5-7z"/><circle cx="12" cy="12" r="3"/>',
  move: '<path d="M12 4v16M4 12h16M9.5 6.5L12 4l2.5 2.5M9.5 17.5L12 20l2.5-2.5M6.5 9.5L4 12l2.5 2.5M17.5 9.5L20 12l-2.5 2.5"/>',
  send: '<path d="M12 20V5M5.5 11.5L12 5l6.5 6.5"/>',
  wave: '<path d="M3 10.5v3M7.5 7v10M12 4v16M16.5 7v10M21 10.5v3"/>',
  start: '<path class="frtc-solid" d="M8 5.5v13l10.5-6.5z"/>',
  stop: '<rect class="frtc-solid" x="6.5" y="6.5" width="11" height="11" rx="2.5"/>',
  close: '<path d="M6 6l12 12M18 6L6 18"/>',
  clock: '<circle cx="12" cy="12" r="9"/><path d="M12 7v5.2l3.2 2"/>',
  problem: '<circle cx="12" cy="12" r="9"/><path d="M12 7.5v5.5M12 16.4v.1"/>',
} as const;

/** The name of an icon. */
export type IconName = keyof typeof SHAPES;

/** Create an icon, hidden from screen readers. */
export function icon(name: IconName): SVGSVGElement {
  const svg = createIcon(SHAPES[name]);
  svg.dataset["icon"] = name;
  return svg;
}

/** Create an icon with a drawing of 24 x 24, hidden from screen readers. */
export function createIcon(drawing: string): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "frtc-icon");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.innerHTML = drawing;
  return svg;
}

/** Replace the drawing of an icon. */
export function setIcon(svg: SVGSVGElement, name: IconName): void {
  if (svg.dataset["icon"] === name) return;
  svg.dataset["icon"] = name;
  svg.innerHTML = SHAPES[name];
}
