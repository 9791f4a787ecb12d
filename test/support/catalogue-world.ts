/** A scenario of the catalogue as it really happened: its repository, its databases, and the team's tools. */
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import type { CatalogueScenario, Place, Step } from './catalogue.ts'
import { runInShell, whileOpen } from './catalogue.ts'
import { findTool } from './migration-tools.ts'
import type { TestDatabase } from './postgres.ts'
import { createDatabase } from './postgres.ts'

export interface World extends Place {
  readonly databases: Map<string, TestDatabase>
}

const ends: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const end of ends.reverse()) await end()
})

/** All is removed when the file's tests have ended. */
export async function arrange(scenario: CatalogueScenario): Promise<World> {
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

export async function happen(world: World, step: Step): Promise<void> {
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
