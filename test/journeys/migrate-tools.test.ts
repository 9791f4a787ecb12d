/** `migrate` over the teams' own tools: what a look prints is run under it, and what it brought is confirmed and kept. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { reportSchema } from '../../functions/outputs/report-schema.ts'
import { parseEvidence } from '../../functions/release/evidence.ts'
import { BINARY } from '../cli/deploywatch.ts'
import { lacks, listCatalogue, runInShell } from '../support/catalogue.ts'
import { arrange } from '../support/catalogue-world.ts'

interface Case {
  readonly tool: string
  readonly scenario: string
  readonly command: string
  readonly brought: string
  /** Whether the tool's ledger says itself how long it took. */
  readonly by: 'ledger' | 'migrate'
}

const CASES: readonly Case[] = [
  {
    tool: 'prisma',
    scenario: 'production-job-without-migration-step',
    command: 'npx prisma migrate deploy',
    brought: '20260202090000_status_note',
    by: 'ledger',
  },
  { tool: 'flyway', scenario: 'wrong-schema', command: 'flyway migrate', brought: 'V2__status_note.sql', by: 'ledger' },
  {
    tool: 'knex',
    scenario: 'wrong-database',
    command: 'npx knex migrate:latest',
    brought: '20260202090000_status_note.js',
    by: 'migrate',
  },
]

const catalogue = await listCatalogue()

test.for(CASES.map((one) => [one.tool, one] as const))(
  '%s: what it brings is confirmed, and how long it took is kept',
  { timeout: 180_000 },
  async ([tool, { scenario: name, command, brought, by }], { skip }) => {
    const scenario = catalogue.find((one) => one.name === name)
    if (scenario === undefined) throw new Error(`there is no scenario ${name}`)
    const absent = await lacks(scenario)
    if (absent.length > 0) skip(`it needs ${absent.join(', ')}: npm run tools`)
    const world = await arrange(scenario)
    const deploywatch = `"${process.execPath}" "${BINARY}"`
    const migrate = `${deploywatch} migrate --env production --format json -- ${command} > report.json`
    const { code, output } = await runInShell(migrate, world, 'production')
    const report = reportSchema.parse(JSON.parse(await readFile(join(world.folder, 'report.json'), 'utf8')))
    expect({ code, verdict: report.verdict }, `${output}\n${JSON.stringify(report, null, 1)}`).toEqual({
      code: 0,
      verdict: 'pass',
    })
    expect(report.notes).toContain(`the migration brought ${brought}`)
    // The team's own output comes through.
    expect(output.toLowerCase()).toContain(tool === 'knex' ? 'batch' : tool)

    const kept = parseEvidence(await readFile(join(world.folder, 'deploywatch.evidence.production.json'), 'utf8'))
    if (kept.kind === 'unreadable') throw new Error(kept.reason)
    const record = kept.evidence.migrations?.records.find(({ subject }) => subject === brought)
    expect(record).toMatchObject({ state: 'applied', took: { by } })
    expect(record?.took?.ms).toBeGreaterThanOrEqual(0)
  },
)
