/** `templates/component/index.js`: the component on a page. */

import { View } from "../view";
import { gradioComponent } from "./host";

export default await gradioComponent((parent, anchor, host) => new View(parent, anchor, host));
