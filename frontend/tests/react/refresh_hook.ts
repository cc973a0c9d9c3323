/** Lets Fast Refresh find React; import it before React. */

import { injectIntoGlobalHook } from "react-refresh/runtime";

injectIntoGlobalHook(window);
