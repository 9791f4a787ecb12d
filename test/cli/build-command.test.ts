/** `build` where the project's own command makes the schema. */
import { spawn, spawnSync } from 'node:child_process'
import { readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { BINARY, deploywatch, folderWith } from './deploywatch.ts'

const FILES: Readonly<Record<string, string>> = {
  'knexfile.js': `module.exports = { client: 'pg', connection: process.env.DATABASE_URL, migrations: { directory: './migrations' } }\n`,
  'migrations/1_orders.js': `exports.up = (knex) => knex.schema.createTable('orders', (t) => { t.bigInteger('id').primary() })\nexports.down = () => {}\n`,
}

function config(command: string): string {
  return `service: orders\nmigrations: { path: migrations }\nschema:\n  replay: { mode: command, command: ${JSON.stringify(command)} }\n`
}

async function projectWith(command: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await folderWith({ ...FILES, ...more, 'deploywatch.yaml': config(command) })
  await symlink(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, 'node_modules'))
  return folder
}

test('it writes the manifest of what the command made', async () => {
  const cwd = await projectWith('npx knex migrate:latest')
  const { code, stderr } = await deploywatch(['build'], { cwd })
  expect({ code, stderr }).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('3 objects expected, computed on PostgreSQL 18'),
  })
  const header = await readFile(join(cwd, 'deploywatch.release.json'), 'utf8')
  expect(JSON.parse(header)).toMatchObject({ catalog: { mode: 'command' } })
})

test('a command that fails is wrong use: nothing is written, and its last lines are on stderr alone', async () => {
  const cwd = await projectWith(`node -e 'console.log("said by the tool"); process.exit(7)'`)
  const { code, stdout, stderr } = await deploywatch(['build', '--format', 'json'], { cwd })
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  expect(stderr).toMatch(/deploywatch\.yaml:4:\d+: .* ended with exit code 7, and never connected/)
  expect(stderr).toContain('\n    said by the tool')
  await expect(readFile(join(cwd, 'deploywatch.release.json'))).rejects.toThrow('ENOENT')
})

test('whoever interrupts it ends the command too', async () => {
  const cwd = await projectWith('sh wait.sh', {
    'wait.sh': `sh -c 'echo $$ > child.pid; trap "" INT TERM; while :; do sleep 1; done'\n`,
  })
  const running = spawn(process.execPath, [BINARY, 'build'], { cwd, stdio: 'ignore' })
  const ended = new Promise<NodeJS.Signals | null>(
    (resolve) => void running.once('exit', (_, signal) => resolve(signal)),
  )
  const childId = async (): Promise<string> => readFile(join(cwd, 'child.pid'), 'utf8').catch(() => '')
  await expect.poll(childId, { timeout: 20_000 }).toMatch(/\d/)
  const child = (await childId()).trim()
  running.kill('SIGINT')
  expect(await ended).toBe('SIGINT')
  const stateOf = (): string => spawnSync('ps', ['-o', 'stat=', '-p', child], { encoding: 'utf8' }).stdout.trim()
  await expect.poll(stateOf).toMatch(/^Z?$|^Z/)
})
