import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/fixtures/**', 'test/versions/**', 'test/aws/**', 'test/browser/**', 'node_modules/**'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Two workers: every suite shares one PostgreSQL, and small machines have two cores.
    maxWorkers: 2,
    // Modules are loaded once in a worker, not once in a file: a second of the processor each. What a suite changes of the process it puts back.
    isolate: false,
    // The CDK's own validation of templates takes ten times as long as synthesising them: `npm run synth` has it.
    env: { CDK_VALIDATION: 'false' },
  },
})
