/**
 * What vitest's JSON reports of a run say.
 *
 *   node .ci/results.mjs failing FILE           the test files that failed, a line each
 *   node .ci/results.mjs sum FOLDER SECONDS [STEP...]   all of them, and the steps that failed: the last line is `N passed, N failed`
 *
 * FOLDER holds NAME.json of each suite, and NAME.again.json where files of it were run once more: those count then.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'

const read = (file) =>
  JSON.parse(readFileSync(file, 'utf8')).testResults.map((suite) => ({ ...suite, name: relative('', suite.name) }))
const isFailed = ({ status }) => status === 'failed'

const [command, place, seconds, ...steps] = process.argv.slice(2)
if (command === 'failing') {
  for (const { name } of read(place).filter(isFailed)) console.log(name)
} else {
  const results = new Map()
  const names = readdirSync(place)
  for (const name of [
    ...names.filter((one) => !one.endsWith('.again.json')),
    ...names.filter((one) => one.endsWith('.again.json')),
  ])
    for (const suite of read(`${place}/${name}`)) {
      if (results.has(suite.name))
        console.log(`once more: ${suite.name}, which failed, ${isFailed(suite) ? 'fails again' : 'passes'}`)
      results.set(suite.name, suite)
    }
  const tests = [...results.values()].flatMap(({ assertionResults }) => assertionResults)
  const passed = tests.filter(({ status }) => status === 'passed').length
  // What failed is said once more at the very end: of a long log that is often all that is kept.
  let failed = 0
  for (const { name, assertionResults, message } of [...results.values()].filter(isFailed)) {
    const broken = assertionResults.filter(isFailed)
    // A file that does not load, or whose hooks fail, has no test that failed.
    failed += Math.max(1, broken.length)
    if (broken.length === 0) console.log(`FAILED ${name}: ${message}`)
    for (const { fullName, failureMessages } of broken)
      console.log(`FAILED ${name}: ${fullName}\n  ${failureMessages.join('\n').slice(0, 1500)}`)
  }
  for (const step of steps) console.log(`FAILED step: ${step}`)
  console.log(`${seconds} s in all`)
  // A step that failed without a failing test (lint, types, a suite that did not begin) is a failure too.
  failed = Math.max(failed, steps.length)
  console.log(`\n${passed} passed, ${failed} failed`)
  process.exit(failed > 0 || passed === 0 ? 1 : 0)
}
