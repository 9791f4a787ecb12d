/** `publish` as people run it, but for the start of a process of its own. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { CliIo } from '../../cli/io.ts'
import { EXIT } from '../../cli/io.ts'
import { runProgram } from '../../cli/program.ts'
import { parseEvidence, writeEvidence } from '../../functions/release/evidence.ts'
import type { EvidenceStatement } from '../../functions/release/evidence.ts'
import { findRelease } from '../../functions/release/find-release.ts'
import { openManifest, partPath } from '../../functions/release/manifest.ts'
import { folderStore } from '../../functions/stores/folder.ts'
import { BUCKET, startAwsStore } from '../support/aws-store/server.ts'
import type { AwsStoreFake } from '../support/aws-store/server.ts'
import { freshCache } from '../support/fresh-cache.ts'
import { folderWith } from './deploywatch.ts'

let env: Readonly<Record<string, string>>

beforeAll(async () => {
  env = { DEPLOYWATCH_CACHE: await freshCache() }
})
afterAll(() => rm(env['DEPLOYWATCH_CACHE'] ?? '', { recursive: true, force: true }))

const fakes: AwsStoreFake[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  await Promise.all(fakes.splice(0).map((fake) => fake.close()))
})

/** The SDK of this process is led to the stand-in, as that of a process of its own would be. */
async function startS3(): Promise<AwsStoreFake> {
  const fake = await startAwsStore()
  fakes.push(fake)
  for (const [name, value] of Object.entries(fake.env)) vi.stubEnv(name, value)
  return fake
}

const FILES = {
  'deploywatch.yaml': 'service: orders\nmigrations: { path: db/migration }\n',
  'db/migration/V1__orders.sql': 'CREATE TABLE orders (id int PRIMARY KEY);\n',
}

interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function deploywatch(cwd: string, ...args: readonly string[]): Promise<Run> {
  const output = { stdout: '', stderr: '' }
  const io: CliIo = {
    stdout: { write: (text: string) => void (output.stdout += text) },
    stderr: { write: (text: string) => void (output.stderr += text) },
    env,
    cwd,
  }
  vi.stubEnv('DEPLOYWATCH_CACHE', env['DEPLOYWATCH_CACHE'])
  try {
    return { code: await runProgram(args, io), ...output }
  } catch (error) {
    if (!(error instanceof Error) || !['ConfigError', 'UsageError'].includes(error.name)) throw error
    return { code: EXIT.usage, stdout: output.stdout, stderr: `${output.stderr}${error.message}` }
  }
}

async function built(version = '1.42.0', files: Readonly<Record<string, string>> = FILES): Promise<string> {
  const cwd = await folderWith(files)
  await build(cwd, version)
  return cwd
}

async function build(cwd: string, version: string, commit = '9f1c2ab4d5e6'): Promise<void> {
  const run = await deploywatch(cwd, 'build', '--release-version', version, '--commit', commit)
  expect(run.code).toBe(0)
}

const statement = (id: string, calls: number): EvidenceStatement => ({
  id,
  sql: `SELECT ${id}`,
  role: 'app',
  calls,
  meanMs: 1,
})

async function putEvidenceBeside(
  cwd: string,
  environment: string,
  statements: readonly EvidenceStatement[],
): Promise<void> {
  const { expectation } = await openManifest(join(cwd, 'deploywatch.release.json'))
  const text = writeEvidence({
    schema: 'deploywatch/evidence/1',
    service: 'orders',
    environment,
    release: { version: '1.42.0', commit: null },
    expectation: expectation.digest,
    statements: [...statements],
  })
  await writeFile(join(cwd, `deploywatch.evidence.${environment}.json`), text)
}

const publication = (run: Run): Record<string, unknown> => JSON.parse(run.stdout) as Record<string, unknown>

describe('a folder', () => {
  test('manifest, evidence and labels are put, told, and found again', async () => {
    const cwd = await built()
    await putEvidenceBeside(cwd, 'staging', [statement('1', 3)])
    const run = await deploywatch(cwd, 'publish', '--label', 'sha256:abc', '--label', 'fn:7')
    expect(run.stderr).toBe('')
    expect(run.code).toBe(0)
    expect(run.stdout).toMatch(/^published orders 1\.42\.0 \(9f1c2ab4d5e6\) to \.deploywatch\n/)
    expect(run.stdout).toContain('from deploywatch.release.json')
    expect(run.stdout).toContain('evidence of staging: 1 statement')
    expect(run.stdout).toContain('found by version 1.42.0, commit 9f1c2ab4d5e6, label fn:7, label sha256:abc')
    const store = folderStore(join(cwd, '.deploywatch'))
    for (const reference of [
      { by: 'label', label: 'fn:7' },
      { by: 'version', version: '1.42.0' },
      { by: 'commit', commit: '9f1c2ab4d5e6f708' },
    ] as const) {
      const found = await findRelease({ store, service: 'orders', environment: 'production', reference })
      expect(found.found && found.manifest.expectation.release.version).toBe('1.42.0')
      expect(found.found && (await found.manifest.effects()).length).toBe(1)
    }
  })

  test('what the pipelines do wrong goes with it, and is taken back by the release whose pipelines do it right', async () => {
    const pipeline = (...before: readonly string[]): string =>
      [
        'on: push',
        'jobs:',
        '  production:',
        '    runs-on: ubuntu-latest',
        '    environment: production',
        '    steps:',
        ...before.map((step) => `      - run: ${step}`),
        '      - run: npx vercel deploy --prod',
        '',
      ].join('\n')
    const file = '.github/workflows/deploy.yml'
    const config = `${FILES['deploywatch.yaml']}environments:\n  production: { database: { url: "\${PRODUCTION_URL}" } }\npipelines: [${file}]\n`
    const cwd = await built('1.42.0', { ...FILES, 'deploywatch.yaml': config, [file]: pipeline() })
    const wrong = await deploywatch(cwd, 'publish')
    expect(wrong.stdout).toContain('evidence of production: its pipeline (pipeline-step-missing)')
    const store = folderStore(join(cwd, '.deploywatch'))
    const { expectation } = await openManifest(join(cwd, 'deploywatch.release.json'))
    const kept = async () => {
      const [text] = await store.evidence('orders', expectation.digest)
      const parsed = parseEvidence(text ?? '')
      return parsed.kind === 'evidence' ? parsed.evidence.pipelines : undefined
    }
    expect((await kept())?.findings).toMatchObject([{ code: 'pipeline-step-missing', source: [{ file, line: 7 }] }])
    await writeFile(join(cwd, file), pipeline('npx flyway migrate', 'npx deploywatch check --env production'))
    const right = await deploywatch(cwd, 'publish')
    expect(right.stdout).toContain('evidence of production: its pipeline migrates first')
    expect((await kept())?.findings).toEqual([])
  })

  test('published twice is fine, also as one JSON document', async () => {
    const cwd = await built()
    const [first, second] = [
      await deploywatch(cwd, 'publish', '--format', 'json'),
      await deploywatch(cwd, 'publish', '--format', 'json'),
    ]
    expect([first.code, second.code]).toEqual([0, 0])
    expect(publication(first)).toMatchObject({
      schema: 'deploywatch/publication/1',
      published: true,
      service: 'orders',
      release: { version: '1.42.0', commit: '9f1c2ab4d5e6' },
      manifest: { file: 'deploywatch.release.json', new: true },
      evidence: [],
      others: [],
      error: null,
    })
    expect(publication(second)).toMatchObject({
      manifest: { new: false },
      others: [],
      digest: publication(first)['digest'],
    })
  })

  test('another content under the same version is told, both are kept, and the newest comes first', async () => {
    const cwd = await built()
    const first = publication(await deploywatch(cwd, 'publish', '--format', 'json'))
    await writeFile(join(cwd, 'db/migration/V2__note.sql'), 'ALTER TABLE orders ADD COLUMN note text;\n')
    await build(cwd, '1.42.0')
    const run = await deploywatch(cwd, 'publish')
    expect(run.code).toBe(0)
    expect(run.stdout).toMatch(
      /note: 1\.42\.0 was published before with another content .*both are kept, and this one is the newest/,
    )
    const store = folderStore(join(cwd, '.deploywatch'))
    const found = await store.published('orders', { by: 'version', version: '1.42.0' })
    expect(found).toHaveLength(2)
    expect(found[1]?.digest).toBe(first['digest'])
    for (const { digest } of found) expect(await store.manifest('orders', digest)).not.toBeNull()
  })

  test('a release that expects the same as the one before is published under its own name', async () => {
    const cwd = await built()
    await deploywatch(cwd, 'publish')
    await build(cwd, '1.43.0', 'aaaaaaaaaaaa')
    const run = publication(await deploywatch(cwd, 'publish', '--format', 'json'))
    expect(run).toMatchObject({ published: true, manifest: { new: false }, others: [], notes: [] })
    const found = await findRelease({
      store: folderStore(join(cwd, '.deploywatch')),
      service: 'orders',
      environment: 'production',
      reference: { by: 'version', version: '1.43.0' },
    })
    expect(found.found && found.manifest.expectation.release).toMatchObject({
      version: '1.43.0',
      commit: 'aaaaaaaaaaaa',
    })
  })

  test('a publisher whose clock is behind is the newest all the same', async () => {
    const cwd = await built()
    const first = publication(await deploywatch(cwd, 'publish', '--format', 'json'))
    const store = folderStore(join(cwd, '.deploywatch'))
    const ahead = { version: '1.42.0', commit: null, digest: '0', labels: [], at: '2999-01-01T00:00:00.000Z' }
    await store.putPublished('orders', ahead)
    await deploywatch(cwd, 'publish')
    expect((await store.published('orders', { by: 'version', version: '1.42.0' }))[0]?.digest).toBe(first['digest'])
  })

  test('evidence in the store and beside the manifest become one, and nothing is counted twice', async () => {
    const cwd = await built()
    await putEvidenceBeside(cwd, 'staging', [statement('1', 3), statement('2', 1)])
    await deploywatch(cwd, 'publish')
    await putEvidenceBeside(cwd, 'staging', [statement('1', 9), statement('3', 1)])
    const run = publication(await deploywatch(cwd, 'publish', '--format', 'json'))
    expect(run['evidence']).toEqual([{ environment: 'staging', statements: 3, migrations: null }])
    const [text = ''] = await folderStore(join(cwd, '.deploywatch')).evidence('orders', String(run['digest']))
    expect((JSON.parse(text) as { statements: unknown[] }).statements).toMatchObject([
      { id: '1', calls: 9 },
      { id: '2', calls: 1 },
      { id: '3', calls: 1 },
    ])
  })

  test('evidence of another expectation is left out, and told', async () => {
    const cwd = await built()
    await putEvidenceBeside(cwd, 'staging', [statement('1', 3)])
    await writeFile(join(cwd, 'db/migration/V2__note.sql'), 'ALTER TABLE orders ADD COLUMN note text;\n')
    await build(cwd, '1.43.0')
    const run = await deploywatch(cwd, 'publish')
    expect(run.code).toBe(0)
    expect(run.stdout).toContain(
      'note: deploywatch.evidence.staging.json was not published: it is evidence of orders 1.42.0',
    )
  })

  test('without a manifest what the working tree says is published', async () => {
    const run = await deploywatch(await folderWith(FILES), 'publish')
    expect(run.code).toBe(0)
    expect(run.stdout).toContain('from the working tree')
  })

  test('--output writes the result to a file', async () => {
    const cwd = await built()
    const run = await deploywatch(cwd, 'publish', '--format', 'json', '--output', 'published.json')
    expect([run.code, run.stdout]).toEqual([0, ''])
    expect(JSON.parse(await readFile(join(cwd, 'published.json'), 'utf8'))).toMatchObject({ published: true })
  })
})

describe('wrong use, with nothing put', () => {
  const nothingIn = async (cwd: string): Promise<void> => expect(await readdir(cwd)).not.toContain('.deploywatch')

  test('a manifest whose content is not what its digests say', async () => {
    const cwd = await built()
    const file = join(cwd, 'deploywatch.release.json')
    const text = await readFile(file, 'utf8')
    const part = await readFile(partPath(file), 'utf8')
    for (const [header, catalog] of [
      [text.replace('"1.42.0"', '"1.42.1"'), part],
      [text.slice(0, -20), part],
      [text, part.replace('orders', 'others')],
      [text, part.slice(0, -10)],
    ] as const) {
      await writeFile(file, header)
      await writeFile(partPath(file), catalog)
      const run = await deploywatch(cwd, 'publish', '--format', 'json')
      expect(run).toMatchObject({ code: 64, stdout: '' })
      expect(run.stderr).toMatch(/is not|it was cut off/)
      await nothingIn(cwd)
    }
  })

  test('evidence that was cut off', async () => {
    const cwd = await built()
    await writeFile(join(cwd, 'deploywatch.evidence.staging.json'), '{"schema":')
    const run = await deploywatch(cwd, 'publish')
    expect(run).toMatchObject({ code: 64, stdout: '' })
    expect(run.stderr).toContain('deploywatch.evidence.staging.json: it is not whole')
    await nothingIn(cwd)
  })

  test("another service's manifest, an empty label, a store that is none, an option that is none", async () => {
    const cwd = await built()
    await writeFile(join(cwd, 'other.yaml'), 'service: billing\n')
    const other = await deploywatch(cwd, 'publish', '--config', 'other.yaml', '--release', 'deploywatch.release.json')
    expect(other).toMatchObject({ code: 64, stdout: '' })
    expect(other.stderr).toContain('the manifest is of the service orders, and other.yaml is of billing')
    expect(await deploywatch(cwd, 'publish', '--label', ' ')).toMatchObject({ code: 64, stdout: '' })
    const store = await deploywatch(cwd, 'publish', '--store', 's3://Orders')
    expect(store).toMatchObject({ code: 64, stdout: '' })
    expect(store.stderr).toContain('--store s3://Orders is no store, "Orders" cannot be a bucket')
    expect(await deploywatch(cwd, 'publish', '--env', 'production')).toMatchObject({ code: 64, stdout: '' })
    await nothingIn(cwd)
  })
})

describe('S3 with DynamoDB', () => {
  test('the same is put there, by the address in the config', async () => {
    const fake = await startS3()
    const config = `${FILES['deploywatch.yaml']}store: s3://${BUCKET}/teams/a?table=${BUCKET}&region=eu-west-1\n`
    const cwd = await built('1.42.0', { ...FILES, 'deploywatch.yaml': config })
    await putEvidenceBeside(cwd, 'staging', [statement('1', 3)])
    const run = await deploywatch(cwd, 'publish', '--label', 'sha256:abc', '--format', 'json')
    expect(run.stderr).toBe('')
    expect(run.code).toBe(0)
    const digest = String(publication(run)['digest'])
    expect([...fake.buckets.objects(BUCKET).keys()].sort()).toEqual([
      `teams/a/evidence/orders/${digest}/staging.json`,
      `teams/a/manifests/orders/${digest}/catalog`,
      `teams/a/manifests/orders/${digest}/header`,
    ])
    expect(
      fake.tables.items(BUCKET).map(({ sk }) => (sk !== undefined && 'S' in sk ? sk.S.split('/')[0] : '')),
    ).toEqual(expect.arrayContaining(['digest', 'version', 'commit', 'label']))
    expect(publication(await deploywatch(cwd, 'publish', '--format', 'json'))).toMatchObject({
      manifest: { new: false },
    })
  })

  test('a store that does not take it is exit 2, with the reason, and nobody finds half a release', async () => {
    const fake = await startS3()
    const cwd = await built()
    fake.fail(({ action, about }) =>
      action === 's3:PutObject' && about.endsWith('/header') ? { code: 'AccessDenied', status: 403 } : null,
    )
    const run = await deploywatch(cwd, 'publish', '--store', `s3://${BUCKET}`, '--format', 'json')
    expect(run.code).toBe(2)
    expect(run.stderr).toContain(
      'orders 1.42.0 was not published: the store cannot be used, s3:PutObject on the bucket',
    )
    expect(publication(run)).toMatchObject({ published: false, error: expect.stringContaining('allow s3:PutObject') })
    expect(fake.tables.items(BUCKET)).toEqual([])
    fake.fail(() => null)
    expect((await deploywatch(cwd, 'publish', '--store', `s3://${BUCKET}`)).code).toBe(0)
  })

  test('a manifest under the digest that is damaged is not taken for published', async () => {
    const fake = await startS3()
    const cwd = await built()
    const first = await deploywatch(cwd, 'publish', '--store', `s3://${BUCKET}`, '--format', 'json')
    const objects = fake.buckets.objects(BUCKET) as Map<string, Buffer>
    objects.set(`manifests/orders/${String(publication(first)['digest'])}/catalog`, Buffer.from('{}'))
    const run = await deploywatch(cwd, 'publish', '--store', `s3://${BUCKET}`)
    expect([run.code, run.stdout]).toEqual([2, ''])
    expect(run.stderr).toMatch(/is in the store with other content: look at s3:\/\/orders-deploywatch\/manifests/)
  })
})
