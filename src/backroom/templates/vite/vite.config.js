import { defineConfig } from "vite";

// Where `backroom dev` serves. The browser talks to Vite alone, so the session cookie needs no CORS.
const target = process.env.BACKROOM_URL ?? "http://localhost:8000";
const paths = ["/api/", "/auth/v1/", "/rest/v1/", "/storage/v1/", "/realtime/v1/", "/functions/v1/", "/openapi.json", "/docs", "/_/"];
// changeOrigin stays off: the backend takes a request whose Origin is its Host. ws: for /realtime/v1/.
const proxy = Object.fromEntries(paths.map((path) => [path, { target, changeOrigin: false, ws: true }]));

export default defineConfig({
  server: { proxy },
  publicDir: "static", // files that are copied as they are
  build: { outDir: "public", emptyOutDir: true }, // the folder that Backroom serves
});
