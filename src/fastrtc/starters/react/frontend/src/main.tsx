import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Conversation } from "./conversation";
import "./style.css";

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <Conversation title="__NAME__" />
  </StrictMode>,
);
