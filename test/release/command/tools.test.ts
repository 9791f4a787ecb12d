/** Tools themselves, as their users run them, each with a migration that makes a table and one that adds to it. */
import { delimiter } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isInstalled, nodeTools, pythonTools } from '../../support/code-tools.ts'
import { findTool } from '../../support/migration-tools.ts'
import { makeCache } from '../support.ts'
import { attributed, buildBy, commandProject, linkServer } from './support.ts'
import { TOOL_PROJECTS } from './tool-projects.ts'
import type { ToolProject } from './tool-projects.ts'

let cache: Awaited<ReturnType<typeof makeCache>>
beforeAll(async () => {
  cache = await makeCache()
  await linkServer(cache.cache)
})
afterAll(() => cache.remove())

/** What it needs to run; null: it is not here. */
function placeOf({ needs }: ToolProject): { readonly modules: string | null; readonly env: NodeJS.ProcessEnv } | null {
  switch (needs) {
    case 'node': {
      const modules = nodeTools()
      return modules === null ? null : { modules, env: process.env }
    }
    case 'prisma': {
      const found = findTool('prisma')
      return found === null ? null : { modules: found.modules, env: { ...process.env, ...found.env } }
    }
    case 'python': {
      const bin = pythonTools()
      const path = `${bin ?? ''}${delimiter}${process.env['PATH'] ?? ''}`
      return bin === null ? null : { modules: null, env: { ...process.env, PATH: path } }
    }
    case 'activerecord':
      return isInstalled('ruby', '-e', "require 'active_record'; require 'pg'")
        ? { modules: null, env: process.env }
        : null
    case 'illuminate': {
      const code =
        "require 'Illuminate/Database/autoload.php'; require 'Illuminate/Filesystem/autoload.php'; new PDO('pgsql:host=127.0.0.1;port=1');"
      // It gets as far as to try a port on which nobody listens.
      return isInstalled('php', '-r', `try { ${code} } catch (PDOException $e) { exit($e->getCode() === 7 ? 0 : 1); }`)
        ? { modules: null, env: process.env }
        : null
    }
  }
}

for (const project of TOOL_PROJECTS) {
  const place = placeOf(project)
  describe.skipIf(place === null)(
    place === null ? `${project.title}, which is not installed here` : project.title,
    () => {
      for (const versions of project.alsoOn ?? ['']) {
        test(`each migration brings its own objects${versions === '' ? '' : ', on a real server too'}`, async () => {
          const made = await commandProject(project.files, place?.modules ?? null)
          try {
            const built = await buildBy(made, {
              migrations: project.migrations,
              replay: `command: ${JSON.stringify(project.command)}${versions}`,
              cache: cache.cache,
              env: place?.env,
            })
            expect(built.expectation.ledgers.map(({ tool }) => tool)).toEqual([project.tool])
            const subjects = project.brings.map((line) => line.slice(0, line.indexOf(':')))
            // Django knows migrations of other people's apps as well.
            const own = attributed(built).filter((line) => subjects.some((subject) => line.startsWith(`${subject}:`)))
            expect(own, attributed(built).join('\n')).toEqual(project.brings)
            expect(built.notes).toEqual([])
            expect(built.expectation.catalog.mode).toBe('command')
            const tables = built.objects.filter(
              ({ object }) => object.kind === 'table' && object.group === project.table,
            )
            expect(tables).toHaveLength(1)
            expect(built.objects.filter(({ object }) => project.ledger.test(object.group))).toEqual([])
          } finally {
            await made.remove()
          }
        })
      }
    },
  )
}
