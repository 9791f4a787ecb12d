/** What the real tools wrote, judged: repository, database dump and the right answer are in test/fixtures/ledgers. */
import { readdir, readFile } from 'node:fs/promises'
import * as z from 'zod'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import { openProject } from '../../functions/ledgers/project-files.ts'
import { expectLedger, lookAt } from '../support/ledgers.ts'
import { loadDump } from '../support/load-dump.ts'
import { createDatabase } from '../support/postgres.ts'

const FIXTURES = new URL('../fixtures/ledgers/', import.meta.url)

const code = z.object({ code: z.string(), subject: z.string() })
const answer = z.object({
  tool: z.string(),
  what: z.string(),
  exit: z.union([z.number(), z.array(z.number())]),
  errors: z.array(code),
  infos: z.array(code),
  never: z.array(z.string()),
  doubtful: z
    .array(
      z.union([code, z.object({ codes: z.array(z.string()), subjects: z.array(z.string()), atLeast: z.number() })]),
    )
    .default([]),
})
const config = z.object({ migrations: z.object({ path: z.string() }) })

const tools = (await readdir(FIXTURES, { withFileTypes: true })).filter((entry) => entry.isDirectory())
const scenarios = await Promise.all(
  tools.map(async ({ name }) =>
    (await readdir(new URL(`${name}/`, FIXTURES))).map((scenario) => `${name}/${scenario}`),
  ),
)

test.each(scenarios.flat().sort())('%s', async (scenario) => {
  const folder = new URL(`${scenario}/`, FIXTURES)
  const right = answer.parse(JSON.parse(await readFile(new URL('expect.json', folder), 'utf8')))
  const { migrations } = config.parse(parse(await readFile(new URL('project/deploywatch.yaml', folder), 'utf8')))
  const expectation = await expectLedger(openProject(new URL('project', folder).pathname), migrations.path)
  expect(expectation.tool).toBe(right.tool)

  const database = await createDatabase()
  await loadDump(database.url, await readFile(new URL('target.sql', folder), 'utf8'))
  const { observation } = await lookAt(database.url, expectation)
  await database.drop()

  const { findings } = compareLedger(expectation, observation)
  const said = findings.map(({ code, subject, severity }) => ({ code: code as string, subject, severity }))
  for (const info of right.infos) {
    expect(said).toContainEqual(
      expect.objectContaining({ code: info.code, subject: expect.stringContaining(info.subject) as string }),
    )
  }
  expect(said.filter((finding) => right.never.includes(finding.code))).toEqual([])

  let errors = said.filter((finding) => finding.severity === 'error')
  for (const wanted of right.errors) {
    expect(errors).toContainEqual(
      expect.objectContaining({ code: wanted.code, subject: expect.stringContaining(wanted.subject) as string }),
    )
    errors = errors.filter((finding) => finding.code !== wanted.code || !finding.subject.includes(wanted.subject))
  }
  const alternatives = right.doubtful.map((doubt) =>
    'code' in doubt ? { codes: [doubt.code], subjects: [doubt.subject], atLeast: 0 } : doubt,
  )
  for (const doubt of alternatives) {
    const fits = errors.filter(
      (e) => doubt.codes.includes(e.code) && doubt.subjects.some((part) => e.subject.includes(part)),
    )
    expect(fits.length).toBeGreaterThanOrEqual(doubt.atLeast)
    errors = errors.filter((e) => !fits.includes(e))
  }
  if (!Array.isArray(right.exit)) {
    expect(errors).toEqual([])
    expect(said.some((finding) => finding.severity === 'error')).toBe(right.exit === 1)
  }
})

test('the command that clears a failed state names what failed: it works when it is pasted', async () => {
  const commandFor = async (scenario: string): Promise<string | null | undefined> => {
    const folder = new URL(`${scenario}/`, FIXTURES)
    const { migrations } = config.parse(parse(await readFile(new URL('project/deploywatch.yaml', folder), 'utf8')))
    const expectation = await expectLedger(openProject(new URL('project', folder).pathname), migrations.path)
    const database = await createDatabase()
    await loadDump(database.url, await readFile(new URL('target.sql', folder), 'utf8'))
    const { observation } = await lookAt(database.url, expectation)
    await database.drop()
    const { findings } = compareLedger(expectation, observation)
    return findings.find((finding) => finding.code === 'migration-failed')?.nextSteps[0]?.command
  }
  expect(await commandFor('prisma/failed-not-null')).toBe(
    'npx prisma migrate resolve --rolled-back 20250521163305_require_cost_centre',
  )
  // The version before the dirty one: `up` then runs the failed one again. Forcing the dirty one would skip it.
  expect(await commandFor('golang-migrate/dirty-rolled-back-statement')).toBe(
    'migrate -path migrations -database "$DATABASE_URL" force 3',
  )
})
