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
    // For what hangs: a machine that has other work is several times slower.
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
