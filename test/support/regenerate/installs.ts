/** The tools of the recipes, from npm and PyPI, each version in a folder of its own that is kept. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { MigrationToolPlace } from '../migration-tools.ts'

const run = promisify(execFile)

interface Packages {
  readonly from: 'npm' | 'pypi'
  /** The tool's own package first: it is its version that `--version` says. Name → version. */
  readonly packages: Readonly<Record<string, string>>
  /** What the tool's addresses begin with; absent: `postgres:`. */
  readonly scheme?: string
}

/** The versions that the fixtures were made with. */
export const PACKAGES: Readonly<Record<string, Packages>> = {
  knex: { from: 'npm', packages: { knex: '3.3.0', pg: '8.16.3' } },
  typeorm: { from: 'npm', packages: { typeorm: '1.1.1', pg: '8.16.3', 'ts-node': '10.9.2', typescript: '5.9.3' } },
  sequelize: { from: 'npm', packages: { 'sequelize-cli': '6.6.5', sequelize: '6.37.8', pg: '8.16.3' } },
  'node-pg-migrate': { from: 'npm', packages: { 'node-pg-migrate': '9.0.0', pg: '8.16.3' } },
  'db-migrate': { from: 'npm', packages: { 'db-migrate': '0.11.14', 'db-migrate-pg': '1.5.2' } },
  kysely: {
    from: 'npm',
    packages: { kysely: '0.28.18', 'kysely-ctl': '0.19.0', pg: '8.16.3', typescript: '5.9.3' },
  },
  postgrator: { from: 'npm', packages: { postgrator: '8.0.0', 'postgrator-cli': '9.1.1', pg: '8.16.3' } },
  'graphile-migrate': { from: 'npm', packages: { 'graphile-migrate': '1.4.1' } },
  dbmate: { from: 'npm', packages: { dbmate: '2.36.0' } },
  alembic: {
    from: 'pypi',
    packages: { alembic: '1.20.1', sqlalchemy: '2.1.9', 'psycopg[binary]': '3.3.9' },
    scheme: 'postgresql+psycopg:',
  },
  django: { from: 'pypi', packages: { django: '5.2.19', 'psycopg[binary]': '3.3.9' } },
}

/** @param version of the tool's own package; null: the one that the fixtures were made with */
export async function install(tool: string, version: string | null): Promise<MigrationToolPlace> {
  const known = PACKAGES[tool]
  if (known === undefined)
    throw new Error(`${tool} is offered by neither npm nor PyPI: README.md says how its scenarios were made`)
  const [own = ''] = Object.keys(known.packages)
  const packages = { ...known.packages, ...(version === null ? {} : { [own]: version }) }
  const root = process.env['DEPLOYWATCH_TEST_TOOLS'] ?? join(homedir(), '.cache', 'deploywatch-test-tools')
  const folder = join(root, 'regenerate', `${tool}-${packages[own] ?? ''}`)
  if (!existsSync(folder)) {
    const half = `${folder}.part`
    await mkdir(half, { recursive: true })
    await (known.from === 'npm' ? installNpm(half, packages) : installPypi(half, packages))
    await mkdir(dirname(folder), { recursive: true })
    await rename(half, folder)
  }
  if (known.from === 'npm')
    return { bin: join(folder, 'node_modules/.bin'), modules: join(folder, 'node_modules'), env: {} }
  return {
    bin: join(folder, 'bin'),
    modules: null,
    env: { PYTHONPATH: join(folder, 'lib'), PYTHONDONTWRITEBYTECODE: '1' },
  }
}

type Versions = Readonly<Record<string, string>>

async function installNpm(folder: string, dependencies: Versions): Promise<void> {
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }))
  await run('npm', ['install', '--no-audit', '--no-fund'], { cwd: folder })
}

/** Below one folder that may be moved: a virtual environment holds its own path. */
async function installPypi(folder: string, packages: Versions): Promise<void> {
  const named = Object.entries(packages).map(([name, version]) => `${name}==${version}`)
  await run('python3', ['-m', 'pip', 'install', '--quiet', '--target', join(folder, 'lib'), ...named])
  await mkdir(join(folder, 'bin'))
  for (const [program, module] of [
    ['alembic', 'alembic'],
    ['django-admin', 'django'],
  ] as const) {
    const file = join(folder, 'bin', program)
    await writeFile(file, `#!/bin/sh\nexec python3 -m ${module} "$@"\n`, { mode: 0o755 })
  }
}
