import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/buildOnce.ts"],
    // Two workers also on a machine of two cores, where Vitest would take one.
    maxWorkers: 2,
    testTimeout: 60_000,
  },
});
