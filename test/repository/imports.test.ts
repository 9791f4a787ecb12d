import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** A folder with the project's own linter settings, into which violations are planted. */
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deploywatch-lint-'))
  await copyFile('.oxlintrc.json', join(folder, '.oxlintrc.json'))
  await copyFile('tsconfig.json', join(folder, 'tsconfig.json'))
  await symlink(resolve('node_modules'), join(folder, 'node_modules'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

async function lint(file: string, text: string): Promise<string> {
  const path = join(folder, file)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
  return new Promise((done) => {
    execFile(resolve('node_modules/.bin/oxlint'), [file], { cwd: folder }, (_error, stdout) => {
      void rm(path).then(() => done(stdout))
    })
  })
}

test.each([
  ['the core imports an engine', 'functions/core/planted.ts', '../engines/engine.ts'],
  ['the core imports the file system', 'functions/core/planted.ts', 'node:fs'],
  ['the core imports a package', 'functions/core/planted.ts', 'zod'],
  ['a connection imports an engine', 'functions/connections/planted.ts', '../engines/engine.ts'],
  ['a store imports a ledger', 'functions/stores/planted.ts', '../ledgers/ledger.ts'],
  ['a ledger imports the release', 'functions/ledgers/planted.ts', '../release/build.ts'],
  ['an engine imports an output', 'functions/engines/postgres/planted.ts', '../../outputs/text.ts'],
  ['the release imports the check', 'functions/release/planted.ts', '../check.ts'],
  ['the check imports the command line', 'functions/check.ts', '../cli/main.ts'],
])('the linter catches it when %s', async (_what, file, target) => {
  const output = await lint(file, `import { planted } from '${target}'\nexport const used = planted\n`)
  expect(output).toContain('no-restricted-imports')
})

test('the linter lets siblings and the lower layers through', async () => {
  const core = await lint(
    'functions/core/planted.ts',
    "import { createHash } from 'node:crypto'\nimport { planted } from './verdict.ts'\nexport const used = [createHash, planted]\n",
  )
  expect(core).not.toContain('no-restricted-imports')
  const engine = await lint(
    'functions/engines/postgres/planted.ts',
    "import { planted } from '../../core/release.ts'\nexport const used = planted\n",
  )
  expect(engine).not.toContain('no-restricted-imports')
})
