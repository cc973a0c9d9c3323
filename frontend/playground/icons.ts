/** The icons of the playground that the view does not have. */

import { createIcon } from "../view/icons";

const SHAPES = {
  auto: '<circle cx="12" cy="12" r="8.5"/><path d="M12 3.5v17a8.5 8.5 0 0 0 0-17z" fill="currentcolor"/>',
  light:
    '<circle cx="12" cy="12" r="4"/><path d="M12 2.5v2.5M12 19v2.5M2.5 12H5M19 12h2.5M5.3 5.3L7 7M17 17l1.7 1.7M5.3 18.7L7 17M17 7l1.7-1.7"/>',
  dark: '<path d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z"/>',
  copy: '<rect x="8.5" y="8.5" width="11.5" height="11.5" rx="2.5"/><path d="M15.5 8.5V6A2.5 2.5 0 0 0 13 3.5H6A2.5 2.5 0 0 0 3.5 6v7A2.5 2.5 0 0 0 6 15.5h2.5"/>',
  sent: '<path d="M7 17L17 7M9 7h8v8"/>',
  received: '<path d="M17 7L7 17M15 17H7V9"/>',
  event: '<circle cx="12" cy="12" r="2.5" fill="currentcolor"/>',
  refresh: '<path d="M20 12a8 8 0 1 1-2.3-5.6L20 8.5M20 4v4.5h-4.5"/>',
  clear:
    '<path d="M5 7h14M10 4h4M7 7l.8 11.2A2 2 0 0 0 9.8 20h4.4a2 2 0 0 0 2-1.8L17 7M10.5 11v5M13.5 11v5"/>',
} as const;

/** The name of an icon. */
export type IconName = keyof typeof SHAPES;

/** Create an icon, hidden from screen readers. */
export function icon(name: IconName): SVGSVGElement {
  return createIcon(SHAPES[name]);
}
