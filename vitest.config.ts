import { defineConfig } from "vitest/config";

export default defineConfig({
  // Examples name the library as their readers do.
  resolve: {
    alias: { "trackvisor/check": new URL("src/check/library.ts", import.meta.url).pathname },
  },
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/buildOnce.ts"],
    setupFiles: ["test/fixedSeed.ts"],
    // Two workers also on a machine of two cores, where Vitest would take one.
    maxWorkers: 2,
    testTimeout: 60_000,
  },
});
