import { defineConfig } from 'vitest/config'

/** The pages in a headless Chromium: `npm run test:browser`. It says so and skips where there is none. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 300_000,
    // Where the browser is not there, that is said.
    disableConsoleIntercept: true,
  },
})
