import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Call } from "./call";

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <Call />
  </StrictMode>,
);
