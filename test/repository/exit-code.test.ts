/** A suite that fails fails the command: an exit hook of the test database's package once made 0 of it. */
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

test('a planted failure ends the test command with 1', () => {
  const config = 'test/fixtures/failing-suite/vitest.config.ts'
  const { status, stdout } = spawnSync('npx', ['vitest', 'run', '--config', config], {
    encoding: 'utf8',
    // The other suites' server is not this one's: what is tested is that one is started and ended.
    env: { ...process.env, DEPLOYWATCH_TEST_POSTGRES: undefined, VITEST: undefined, VITEST_POOL_ID: undefined },
  })
  expect(stdout).toContain('1 failed')
  expect(status).toBe(1)
}, 120_000)
