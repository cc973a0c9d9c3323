/** `templates/example/index.js`: a cell of `gr.Examples`, which shows its value as text. */

import { h, setText } from "../view/dom";
import { gradioComponent } from "./host";

export default await gradioComponent((parent, anchor, host) => {
  const cell = h("span", { class: "frtc-example" });
  const update = (): void => {
    const { value } = host.props();
    setText(cell, typeof value === "string" ? value : "");
  };
  parent.insertBefore(cell, anchor);
  update();
  return {
    update,
    destroy: () => {
      cell.remove();
    },
  };
});
