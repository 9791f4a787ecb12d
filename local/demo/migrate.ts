/**
 * Stands in for Flyway, which needs a JVM: applies the versioned SQL files in Flyway's order, each in a transaction, and
 * keeps the history table that Flyway would, with the same checksums. Nothing else of Flyway is here.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PGlite } from '@electric-sql/pglite'
import {
  compareVersions,
  flywayChecksum,
  normalVersion,
  parseFlywayName,
} from '../../functions/ledgers/flyway-files.ts'
import { flyway } from '../../functions/ledgers/flyway.ts'

interface MigrationFile {
  readonly script: string
  readonly version: string
  readonly description: string
  readonly text: string
}

async function readMigrations(folder: string): Promise<readonly MigrationFile[]> {
  const files = await Promise.all(
    (await readdir(folder)).map(async (script) => {
      const name = parseFlywayName(script)
      if (name?.prefix !== 'V' || name.version === null) return []
      const text = await readFile(join(folder, script), 'utf8')
      return [{ script, version: normalVersion(name.version), description: name.description, text }]
    }),
  )
  return files.flat().sort((a, b) => compareVersions(a.version, b.version))
}

export interface MigrateOptions {
  readonly database: PGlite
  readonly folder: string
  /** What the history says of when it ran. */
  readonly at: Date
  /** The highest version to apply, as Flyway's -target; null: all. */
  readonly target: string | null
}

/** Applies what is pending, and answers the scripts that it ran, in order. */
export async function migrate({ database, folder, at, target }: MigrateOptions): Promise<readonly string[]> {
  const { rows: found } = await database.query("SELECT FROM pg_class WHERE relname = 'flyway_schema_history'")
  if (found.length === 0) await database.exec(flyway.ledgerDdl)
  const { rows } = await database.query<{ version: string }>('SELECT version FROM flyway_schema_history')
  const applied = new Set(rows.map(({ version }) => version))
  const wanted = (await readMigrations(folder)).filter(
    ({ version }) => target === null || compareVersions(version, target) <= 0,
  )
  const pending = wanted.filter(({ version }) => !applied.has(version))
  for (const [index, file] of pending.entries()) await apply(database, file, applied.size + index + 1, at)
  return pending.map(({ script }) => script)
}

async function apply(database: PGlite, file: MigrationFile, rank: number, at: Date): Promise<void> {
  await database.transaction(async (transaction) => {
    const begun = performance.now()
    await transaction.exec(file.text)
    await transaction.query(
      `INSERT INTO flyway_schema_history VALUES ($1, $2, $3, 'SQL', $4, $5, current_user, $6, $7, true)`,
      [
        rank,
        file.version,
        file.description,
        file.script,
        Number(flywayChecksum(file.text)),
        at,
        Math.round(performance.now() - begun),
      ],
    )
  })
}
