/**
 * The catalogue of what goes wrong between migrations and databases. Each scenario really happens, with the team's own tool; a look
 * says what it is; the commands that it prints are pasted into a shell, and a second look passes: ledger and schema.
 */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Finding } from '../../functions/core/finding.ts'
import type { Report } from '../../functions/core/report.ts'
import type { CatalogueScenario } from '../support/catalogue.ts'
import { lacks, listCatalogue, runInShell, variablesOf } from '../support/catalogue.ts'
import type { World } from '../support/catalogue-world.ts'
import { arrange, happen } from '../support/catalogue-world.ts'
import { checkInProcess, recordInProcess } from '../support/in-process.ts'
import { auditFolder } from '../support/pipelines.ts'

async function check(world: World): Promise<Report> {
  const { report, stderr } = await checkInProcess(whereOf(world))
  expect(report, stderr).not.toBeNull()
  return report as Report
}

async function record(world: World, environment: string): Promise<void> {
  const { exit, stderr } = await recordInProcess({ ...whereOf(world), environment })
  expect(exit, stderr).toBe(0)
}

function whereOf({ folder, urls }: World) {
  return {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', ...variablesOf(urls) },
    store: join(folder, '.deploywatch'),
  }
}

function disagreements({ findings }: Report): readonly Finding[] {
  return findings.filter(({ severity }) => severity === 'error' || severity === 'unsure')
}

function commandsOf({ nextSteps }: Finding): readonly string[] {
  return nextSteps.flatMap(({ command }) => command ?? [])
}

async function paste(commands: readonly string[], world: World): Promise<void> {
  for (const command of commands) {
    const { code, output } = await runInShell(command, world, null)
    expect(code, `${command}\n${output}`).toBe(0)
  }
}

/** What the pipeline's fault is; the look has the lines that mend it. */
async function auditBefore({ audit }: CatalogueScenario, { folder }: World): Promise<void> {
  if (audit === null) return
  const [finding, ...others] = disagreements(await auditFolder(folder))
  expect(others).toEqual([])
  const { file, line } = finding?.source[0] ?? {}
  expect({ code: finding?.code, at: `${file}:${line}` }).toEqual(audit)
}

const scenarios = await listCatalogue()

test.for(scenarios.map((scenario) => [scenario.what, scenario] as const))(
  '%s',
  { timeout: 180_000 },
  async ([, scenario], { skip }) => {
    const absent = await lacks(scenario)
    if (absent.length > 0) skip(`it needs ${absent.join(', ')}: npm run tools`)
    const world = await arrange(scenario)
    for (const environment of scenario.record) await record(world, environment)

    const before = await check(world)
    const shown = JSON.stringify(before, null, 1)
    const found = disagreements(before)
    expect(
      found.map(({ code, subject }) => `${code} ${subject}`),
      shown,
    ).toEqual(scenario.finds.map(({ code, subject }) => `${code} ${subject}`))
    for (const [at, { cause, consequences }] of scenario.finds.entries()) {
      expect(found[at]?.consequences.toSorted(), shown).toEqual(consequences.toSorted())
      if (cause === null) continue
      const told = found[at]?.causes.map(({ text, evidence }) => `${text}: ${evidence ?? ''}`) ?? []
      expect(told.join('\n')).toContain(cause)
    }
    const commands = found.flatMap(commandsOf)
    expect(commands, shown).toEqual(scenario.commands)

    await auditBefore(scenario, world)
    for (const step of scenario.person) await happen(world, step)
    await paste(commands, world)
    const after = await check(world)
    expect(after.verdict, JSON.stringify(after, null, 1)).toBe('pass')
    expect(after.findings.map(({ code, subject }) => `${code} ${subject}`)).toEqual(scenario.tells)
    const outcomes = Object.fromEntries(after.checks.map(({ name, outcome }) => [name, outcome]))
    expect(outcomes).toMatchObject({ ledger: 'pass', schema: 'pass' })
    if (scenario.audit !== null) expect(disagreements(await auditFolder(world.folder))).toEqual([])
  },
)
