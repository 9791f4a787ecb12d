/** What the scenarios are compared by. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { parse } from 'yaml'
import * as z from 'zod'
import { connect } from '../../../functions/connections/connect.ts'
import { subjectOf } from '../../../functions/core/catalog.ts'
import { postgres } from '../../../functions/engines/postgres/index.ts'
import { openProject } from '../../../functions/ledgers/project-files.ts'
import { expectLedger, lookAt } from '../ledgers.ts'
import type { Recipe } from './recipe.ts'

const ledgerSchema = z.object({ path: z.string() })
const configSchema = z.object({
  migrations: z.union([ledgerSchema, z.array(ledgerSchema)]),
  environments: z.object({
    production: z.object({ database: z.object({ searchPath: z.string().default('public') }) }),
  }),
})

/** What the ledger says as we read it, and which objects there are: one line each, without times. */
export async function sightOf(recipe: Recipe, url: string): Promise<readonly string[]> {
  const project = join(recipe.folder, 'project')
  const config = configSchema.parse(parse(await readFile(join(project, 'deploywatch.yaml'), 'utf8')))
  const { searchPath } = config.environments.production.database
  const rows: string[] = []
  for (const { path } of [config.migrations].flat()) {
    const { observation } = await lookAt(url, await expectLedger(openProject(project), path), [searchPath])
    if ('problem' in observation) rows.push(JSON.stringify(observation.problem))
    else
      rows.push(
        ...observation.reading.applied.map((row) =>
          JSON.stringify({ ...row, at: null, durationMs: null, by: null }).replaceAll(
            /\d{4}-\d\d-\d\dT[\d:.]+Z/gu,
            '(a time)',
          ),
        ),
      )
  }
  const connection = await connect({ kind: 'url', url, ca: null })
  const schemas = await schemasOf(url)
  const scope = {
    schemas: schemas.map((schema) => ({ expected: schema, actual: schema })),
    ignore: [],
    exclude: [],
    role: null,
  }
  const objects = await postgres.readCatalog(connection, scope).finally(() => connection.close())
  return [
    ...rows,
    ...objects.map((object) => `${object.kind} ${subjectOf(object)} ${JSON.stringify(object.facts)}`).sort(),
  ]
}

async function schemasOf(url: string): Promise<readonly string[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  const found = await client
    .query<{ nspname: string }>(
      `SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1`,
    )
    .finally(() => client.end())
  return found.rows.map(({ nspname }) => nspname)
}
