/** The tools of the recipes, from npm and PyPI, each version in a folder of its own that is kept. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { MigrationToolPlace } from '../migration-tools.ts'
import { prismaPlace } from '../migration-tools.ts'

const run = promisify(execFile)

interface Packages {
  readonly from: 'npm' | 'pypi'
  /** The tool's own package first: it is its version that `--version` says. Name → version. */
  readonly packages: Readonly<Record<string, string>>
  /** What the tool's addresses begin with; absent: `postgres:`. */
  readonly scheme?: string
  /** What it needs in a project that has no such file: path → text. */
  readonly settings?: Readonly<Record<string, string>>
}

/** By which Prisma takes the engine in WebAssembly, which is the only one that npm has. */
const PRISMA_CONFIG = `import { defineConfig } from 'prisma/config'
import { PrismaPg } from '@prisma/adapter-pg'

export default defineConfig({
  schema: 'prisma/schema.prisma',
  experimental: { adapter: true },
  engine: 'js',
  adapter: async () => new PrismaPg({ connectionString: process.env.DATABASE_URL }),
})
`

/** Of Node.js itself, for tools that need a newer one than the tests do. */
const NODE = `node-${process.platform}-${process.arch}`

/** The versions that the fixtures were made with. Tools by their folder's name; `NAME-v…`: another line of it. */
export const PACKAGES: Readonly<Record<string, Packages>> = {
  knex: { from: 'npm', packages: { knex: '3.3.0', pg: '8.16.3' } },
  typeorm: { from: 'npm', packages: { typeorm: '1.1.1', pg: '8.16.3', 'ts-node': '10.9.2', typescript: '5.9.3' } },
  sequelize: {
    from: 'npm',
    packages: { 'sequelize-cli': '6.6.5', sequelize: '6.37.8', pg: '8.16.3', typescript: '5.9.3' },
  },
  umzug: { from: 'npm', packages: { umzug: '3.8.3', sequelize: '6.37.8', pg: '8.16.3' } },
  'node-pg-migrate': { from: 'npm', packages: { 'node-pg-migrate': '9.0.0', pg: '8.16.3' } },
  'db-migrate': { from: 'npm', packages: { 'db-migrate': '0.11.14', 'db-migrate-pg': '1.5.2' } },
  kysely: {
    from: 'npm',
    packages: { kysely: '0.28.18', 'kysely-ctl': '0.19.0', pg: '8.16.3', typescript: '5.9.3' },
  },
  postgrator: { from: 'npm', packages: { postgrator: '8.0.0', 'postgrator-cli': '9.1.1', pg: '8.16.3' } },
  'graphile-migrate': { from: 'npm', packages: { 'graphile-migrate': '1.4.1' } },
  dbmate: { from: 'npm', packages: { dbmate: '2.36.0' } },
  prisma: {
    from: 'npm',
    packages: { prisma: '6.18.0', '@prisma/adapter-pg': '7.10.1' },
    settings: { 'prisma.config.ts': PRISMA_CONFIG },
  },
  drizzle: { from: 'npm', packages: { 'drizzle-kit': '0.31.11', 'drizzle-orm': '0.45.4', pg: '8.16.3' } },
  'drizzle-v1': {
    from: 'npm',
    packages: { 'drizzle-kit': '1.0.0-rc.5-ab785fc', 'drizzle-orm': '1.0.0-rc.5-ab785fc', pg: '8.16.3' },
  },
  'mikro-orm': { from: 'npm', packages: mikroOrm('6.6.2') },
  'mikro-orm-v7': {
    from: 'npm',
    // It asks for Node.js 22.
    packages: { ...mikroOrm('7.1.15'), typescript: '5.9.3', '@types/node': '22.19.1', [NODE]: '22.21.1' },
  },
  supabase: { from: 'npm', packages: { supabase: '3.1.0' } },
  alembic: {
    from: 'pypi',
    packages: { alembic: '1.20.1', sqlalchemy: '2.1.9', 'psycopg[binary]': '3.3.9' },
    scheme: 'postgresql+psycopg:',
  },
  'alembic-v1.8': {
    from: 'pypi',
    packages: { alembic: '1.8.1', sqlalchemy: '1.4.54', 'psycopg2-binary': '2.9.11' },
    scheme: 'postgresql:',
  },
  'flask-migrate': {
    from: 'pypi',
    packages: {
      'flask-migrate': '4.1.0',
      'flask-sqlalchemy': '3.1.1',
      alembic: '1.20.1',
      sqlalchemy: '2.1.9',
      'psycopg[binary]': '3.3.9',
    },
    scheme: 'postgresql+psycopg:',
  },
  django: { from: 'pypi', packages: { django: '5.2.19', 'psycopg[binary]': '3.3.9' } },
  'django-v3.2': { from: 'pypi', packages: { django: '3.2.25', 'psycopg2-binary': '2.9.11' } },
}

/** The packages of one release, which refuse each other's other versions. */
function mikroOrm(version: string): Readonly<Record<string, string>> {
  const names = ['cli', 'core', 'migrations', 'postgresql']
  return Object.fromEntries(names.map((name) => [`@mikro-orm/${name}`, version]))
}

/** @param version of the tool's own package; null: the one that the fixtures were made with */
export async function install(tool: string, version: string | null): Promise<MigrationToolPlace> {
  const known = PACKAGES[tool]
  if (known === undefined)
    throw new Error(`${tool} is offered by neither npm nor PyPI: README.md says how its scenarios were made`)
  const [own = ''] = Object.keys(known.packages)
  // What is released together is raised together.
  const packages = Object.fromEntries(
    Object.entries(known.packages).map(([name, kept]) => [
      name,
      kept === known.packages[own] ? (version ?? kept) : kept,
    ]),
  )
  const root = process.env['DEPLOYWATCH_TEST_TOOLS'] ?? join(homedir(), '.cache', 'deploywatch-test-tools')
  // Of everything that is in it: a folder of other packages is not taken for this one.
  const digest = createHash('sha256').update(JSON.stringify(packages)).digest('hex').slice(0, 8)
  const folder = join(root, 'regenerate', `${tool}-${packages[own] ?? ''}-${digest}`)
  if (!existsSync(folder)) {
    const half = `${folder}.part`
    await mkdir(half, { recursive: true })
    await (known.from === 'npm' ? installNpm(half, packages) : installPypi(half, packages))
    if (tool === 'prisma') await writeFile(join(half, 'engine'), '#!/bin/sh\nexit 0\n', { mode: 0o755 })
    await mkdir(dirname(folder), { recursive: true })
    await rename(half, folder)
  }
  if (known.from === 'npm') {
    const env = tool === 'prisma' ? prismaPlace(folder).env : {}
    return { bin: join(folder, 'node_modules/.bin'), modules: join(folder, 'node_modules'), env }
  }
  return {
    bin: join(folder, 'bin'),
    modules: null,
    env: { PYTHONPATH: join(folder, 'lib'), PYTHONDONTWRITEBYTECODE: '1' },
  }
}

type Versions = Readonly<Record<string, string>>

async function installNpm(folder: string, dependencies: Versions): Promise<void> {
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }))
  // Prisma's would download engines; dbmate, esbuild and Supabase have their programs in packages of their own.
  await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder })
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
