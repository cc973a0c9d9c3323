/** Helpers to build elements. */

type Attributes = Record<string, string | number | boolean | null | undefined>;

/** Create an element with attributes (`true`: empty; `false`, `null`: omitted) and children. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: (Node | string | null)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Set an attribute, or remove it if there is no value. */
export function setAttribute(element: Element, name: string, value: Attributes[string]): void {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/** Set a text only if it has changed, so that screen readers do not repeat it. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Show or hide an element. */
export function show(element: HTMLElement, visible: boolean): void {
  element.hidden = !visible;
}

let ids = 0;

/** Return a new element id for this page. */
export function newId(name: string): string {
  ids += 1;
  return `frtc-${name}-${ids}`;
}
