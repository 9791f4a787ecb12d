import { defineConfig } from 'vitest/config'

/** The pages in a headless Chromium: `npm run test:browser`. It says so and skips where there is none. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    // CI's machines are shared: what a neighbour's load broke is tried once more, and the log says `retry x1` of it.
    retry: process.env['CI'] === 'true' ? 1 : 0,
    testTimeout: 30_000,
    hookTimeout: 300_000,
    // Where the browser is not there, that is said.
    disableConsoleIntercept: true,
  },
})
