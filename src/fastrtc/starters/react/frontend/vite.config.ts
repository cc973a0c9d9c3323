import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The page and the server in Python have one address, so no CORS is needed.
const backend = process.env.BACKEND_URL ?? "http://127.0.0.1:7860";

export default defineConfig({
  plugins: [react()],
  server: {
    host: "127.0.0.1",
    port: Number(process.env.PORT ?? 5173),
    strictPort: true,
    proxy: { "/webrtc": backend, "/websocket": { target: backend, ws: true } },
  },
});
