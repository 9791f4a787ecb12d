/**
 * Migration tools whose migrations are code, at pinned versions, all of a language in one folder: `npm run tools` installs them where
 * npm and Python can. ActiveRecord and Laravel's migrator are there where Debian's packages are.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { toolsRoot } from './migration-tools.ts'

export const NODE_PACKAGES = {
  '@mikro-orm/cli': '6.6.16',
  '@mikro-orm/core': '6.6.16',
  '@mikro-orm/migrations': '6.6.16',
  '@mikro-orm/postgresql': '6.6.16',
  'drizzle-kit': '0.31.11',
  'drizzle-orm': '0.45.4',
  kysely: '0.28.19',
  'kysely-ctl': '0.20.0',
  'node-pg-migrate': '8.0.4',
  pg: '8.23.1',
  sequelize: '6.37.8',
  'sequelize-cli': '6.6.5',
  tsx: '4.23.15',
  typeorm: '0.3.31',
} as const

export const PYTHON_PACKAGES = {
  django: '5.2.19',
  alembic: '1.20.1',
  sqlalchemy: '2.1.9',
  'psycopg[binary]': '3.3.9',
} as const

export type CodeToolSet = 'node' | 'python'

const PACKAGES: Readonly<Record<CodeToolSet, Readonly<Record<string, string>>>> = {
  node: NODE_PACKAGES,
  python: PYTHON_PACKAGES,
}

/** Another set of versions is another folder. */
export function codeToolsFolder(set: CodeToolSet): string {
  const digest = createHash('sha256').update(JSON.stringify(PACKAGES[set])).digest('hex')
  return join(toolsRoot(), `${set}-${digest.slice(0, 8)}`)
}

/** The `node_modules` of the tools; null: they are not installed here. */
export function nodeTools(): string | null {
  const modules = join(codeToolsFolder('node'), 'node_modules')
  return existsSync(modules) ? modules : null
}

/** The folder of the programs; null: they are not installed here. */
export function pythonTools(): string | null {
  const bin = join(codeToolsFolder('python'), process.platform === 'win32' ? 'Scripts' : 'bin')
  return existsSync(bin) ? bin : null
}

/** Whether the program ends well with these arguments: a library that an interpreter finds. */
export function isInstalled(program: string, ...words: readonly string[]): boolean {
  return spawnSync(program, words, { stdio: 'ignore' }).status === 0
}
