import { defineConfig } from 'vitest/config'

/** The deployment on an emulator of AWS: `npm run test:aws`. It installs the emulator on its first run. */
export default defineConfig({
  test: {
    include: ['test/aws/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // CI's machines are shared: what a neighbour's load broke is tried once more, and the log says `retry x1` of it.
    retry: process.env['CI'] === 'true' ? 1 : 0,
    testTimeout: 180_000,
    hookTimeout: 300_000,
    maxWorkers: 1,
    // The times of a deployment are part of what is shown.
    disableConsoleIntercept: true,
  },
})
