/**
 * The catalogue of what goes wrong between migrations and databases. Each scenario really happens, with the team's own tool; a look
 * says what it is; the commands that it prints are pasted into a shell, and a second look passes: ledger and schema.
 */
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Finding } from '../../functions/core/finding.ts'
import type { Report } from '../../functions/core/report.ts'
import type { CatalogueScenario, Place, Step } from '../support/catalogue.ts'
import { lacks, listCatalogue, runInShell, variablesOf, whileOpen } from '../support/catalogue.ts'
import { checkInProcess, recordInProcess } from '../support/in-process.ts'
import { findTool } from '../support/migration-tools.ts'
import { auditFolder } from '../support/pipelines.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'

interface World extends Place {
  readonly databases: Map<string, TestDatabase>
}

const ends: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const end of ends.reverse()) await end()
})

async function arrange(scenario: CatalogueScenario): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'deploywatch-catalogue-'))
  ends.push(() => rm(folder, { recursive: true, force: true }))
  await cp(scenario.project, folder, { recursive: true })
  const tools = scenario.tools.flatMap((name) => findTool(name) ?? [])
  const modules = tools.find((tool) => tool.modules !== null)?.modules
  if (modules != null) await symlink(modules, join(folder, 'node_modules'))
  const databases = new Map<string, TestDatabase>()
  for (const name of scenario.databases) databases.set(name, await createDatabase())
  ends.push(async () => void (await Promise.all([...databases.values()].map((database) => database.drop()))))
  const world = {
    folder,
    tools,
    databases,
    // The tools in Go ask for TLS unless they are told not to.
    get urls() {
      return Object.fromEntries([...databases].map(([name, { url }]) => [name, `${url}?sslmode=disable`]))
    },
  }
  for (const step of scenario.happened) await happen(world, step)
  return world
}

async function happen(world: World, step: Step): Promise<void> {
  const { databases } = world
  if ('copy' in step) {
    const copy = await createDatabase(undefined, databases.get(step.copy)?.name)
    await databases.get(step.to)?.drop()
    databases.set(step.to, copy)
  } else if ('sql' in step) await databases.get(step.on)?.run(step.sql)
  else {
    const act = () => runInShell(step.run, world, step.on)
    const { code, output } =
      step.during === null ? await act() : await whileOpen(world.urls[step.on] ?? '', step.during, act)
    if (step.fails === null) expect(code, `${step.run}\n${output}`).toBe(0)
    else {
      expect(code, output).not.toBe(0)
      expect(output).toContain(step.fails)
    }
  }
}

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
  return { cwd: folder, env: variablesOf(urls), store: join(folder, '.deploywatch') }
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
