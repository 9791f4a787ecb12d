import { defineConfig } from 'vitest/config'

/** The deployment on an emulator of AWS: `npm run test:aws`. It installs the emulator on its first run. */
export default defineConfig({
  test: {
    include: ['test/aws/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 180_000,
    hookTimeout: 300_000,
    maxWorkers: 1,
    // The times of a deployment are part of what is shown.
    disableConsoleIntercept: true,
  },
})
