import { spawn, spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { BINARY, deploywatch, folderWith } from './deploywatch.ts'

describe('wrong use', () => {
  test.each([
    [['chek'], "unknown command 'chek'\n(Did you mean check?)"],
    [['nonsense'], "unknown command 'nonsense'"],
    [[], 'Usage: deploywatch'],
    [['check'], 'check needs an environment: add --env NAME'],
    [['check', '--env'], "option '--env <name>' argument missing"],
    [['check', '--evn', 'staging'], "unknown option '--evn'\n(Did you mean --env?)"],
    [['check', '--env', 'staging', 'extra'], "too many arguments for 'check'"],
    [['check', '--env', 'staging', '--format', 'pdf'], 'Allowed choices are text, json, markdown, junit, html'],
    [['build', '--format', 'html'], 'Allowed choices are text, json'],
    [['explain'], "missing required argument 'code'"],
    [['explain', 'migration-missng'], 'there is no finding code "migration-missng": did you mean migration-missing?'],
    [['explain', 'migration-missing', '--format', 'junit'], 'Allowed choices are text, json'],
    [
      ['explain', 'migration-missing', '--output', 'no/such/folder'],
      '--output no/such/folder cannot be written (ENOENT)',
    ],
    [['init', '--role', 'x'], '--env and --role belong to `init --grants`'],
    [['help', 'nonsense'], 'Usage: deploywatch'],
  ])('%j is answered on stderr alone, with 64', async (args, message) => {
    const { code, stdout, stderr } = await deploywatch(args)
    expect(stderr).toContain(message)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  })
})

describe('what is asked for is on stdout', () => {
  test.each([['--help'], ['-h'], ['help']])('%s lists the commands and the exit codes', async (flag) => {
    const { code, stdout, stderr } = await deploywatch([flag])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const word of ['init', 'build', 'check', 'explain', '2 unsure']) expect(stdout).toContain(word)
  })

  test('every command has help', async () => {
    for (const command of ['init', 'build', 'check', 'explain']) {
      const { code, stdout } = await deploywatch([command, '--help'])
      expect(code).toBe(0)
      expect(stdout).toContain(`Usage: deploywatch ${command}`)
    }
  })

  test('the version is that of the package', async () => {
    expect(await deploywatch(['--version'])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' })
  })

  test('explain has a page for people, without colours in a pipe, and one for programs', async () => {
    const page = await deploywatch(['explain', 'migration-missing'], { env: { FORCE_COLOR: '1' } })
    expect(page.code).toBe(0)
    expect(page.stdout).toMatch(/^error\[migration-missing\]/u)
    expect(page.stdout).not.toContain('\u001b')
    const json = await deploywatch(['explain', 'ledger-locked', '--format', 'json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ code: 'ledger-locked', severity: 'unsure', group: 'ledger' })
  })

  test('--output takes the result to a file', async () => {
    const cwd = await folderWith({})
    const { code, stdout, stderr } = await deploywatch(['explain', 'query-slow', '--output', 'page.txt'], { cwd })
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: 'wrote page.txt\n' })
    expect(await readFile(join(cwd, 'page.txt'), 'utf8')).toMatch(/^error\[query-slow\]/u)
  })
})

/** The command with a statement that is run before it. */
function planted(statement: string) {
  const plant = `data:text/javascript,${encodeURIComponent(statement)}`
  return spawnSync(process.execPath, ['--import', plant, BINARY, 'explain', 'migration-missing'], { encoding: 'utf8' })
}

describe('the process', () => {
  test('a reader that goes away makes no noise, and the exit code is the answer all the same', async () => {
    const child = spawn(process.execPath, [BINARY, 'explain', 'migration-missing'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.destroy()
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => void (stderr += text))
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  test.each([
    ['an exception of an event', 'throw error'],
    ['a promise that nobody waits for', 'Promise.reject(error)'],
    ['an exception of the command', 'process.stdout.write = () => { delete process.stdout.write; throw error }'],
  ])('%s is a bug with an exit code of its own, and no stack', (_, statement) => {
    // It strikes as soon as the process is guarded, while the command's module is being loaded.
    const child = planted(`
      const { on } = process
      process.on = function (event, listener) {
        if (event === 'uncaughtException') setImmediate(() => {
          const error = new TypeError('planted at postgres://u:hunter2@h/db')
          ${statement}
        })
        return on.call(this, event, listener)
      }`)
    expect(child.status).toBe(70)
    expect(child.stderr).toContain(
      'deploywatch has a bug, and there is no verdict: TypeError: planted at postgres://***@h/db',
    )
    expect(child.stderr).toContain('DEPLOYWATCH_DEBUG=1')
    expect(child.stderr).not.toMatch(/\n\s+at |hunter2/u)
  })

  test('an event loop that runs dry before there is an answer is no pass', () => {
    expect(planted('Promise.prototype.then = () => new Promise(() => {})').status).not.toBeOneOf([0, 1, 2])
  })

  test('help loads none of the packages that looks need', () => {
    const child = spawnSync(process.execPath, [BINARY, '--help'], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], NODE_DEBUG: 'esm,module' },
    })
    expect(child.status).toBe(0)
    const loaded = new Set(
      [...child.stderr.matchAll(/node_modules\/((?:@[^/\s]+\/)?[^/\s'"]+)/gu)].map((match) => match[1]),
    )
    expect([...loaded]).toEqual(['commander'])
  })
})
