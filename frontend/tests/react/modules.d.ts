declare module "*.css";

/** What bundlers use for Fast Refresh; it has no types of its own. */
declare module "react-refresh/runtime" {
  export function injectIntoGlobalHook(window: object): void;
  export function register(component: unknown, id: string): void;
  export function performReactRefresh(): unknown;
}
