/** Light or dark, or as the system has it. */

import { icon } from "./icons";
import { iconButton, rename } from "./parts";

const THEMES = ["auto", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];

const NAMES: Record<Theme, string> = {
  auto: "Theme: as the system",
  light: "Theme: light",
  dark: "Theme: dark",
};

const KEY = "fastrtc-playground-theme";

/** Create the button that changes the theme, and apply the stored one. */
export function themeButton(storage: Storage | null): HTMLButtonElement {
  const stored = storage?.getItem(KEY);
  let theme: Theme = THEMES.find((one) => one === stored) ?? "auto";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = iconButton("", icon("auto"), () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "auto";
    storage?.setItem(KEY, theme);
    apply();
  });
  const apply = (): void => {
    const dark = theme === "auto" ? system.matches : theme === "dark";
    document.documentElement.classList.toggle("dark", dark);
    rename(button, NAMES[theme]);
    button.replaceChildren(icon(theme));
  };
  system.addEventListener("change", apply);
  apply();
  return button;
}
