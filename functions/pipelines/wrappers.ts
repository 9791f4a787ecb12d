/** Programs that run another one: what they run, as words or as a script. */
import { posix } from 'node:path'

export type Unwrapped =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  /** A script in the argument: `bash -c`, ssh. */
  | { readonly kind: 'script'; readonly text: string; readonly errexit: boolean }
  /** The words of a command stand somewhere behind the options. */
  | { readonly kind: 'somewhere'; readonly words: readonly string[] }

const PLAIN = new Set([
  'sudo',
  'exec',
  'nohup',
  'command',
  'time',
  'nice',
  'ionice',
  'stdbuf',
  'unbuffer',
  'builtin',
  'corepack',
  'caffeinate',
])

/** They take options, perhaps with values, and then the command. */
const RUNNERS = new Set([
  'dotenv',
  'dotenvx',
  'doppler',
  'op',
  'aws-vault',
  'chamber',
  'env-cmd',
  'cross-env',
  'infisical',
  'with-env',
  'retry',
  'xargs',
  'timeout',
  'flock',
  'wait-for-it',
  'wait-for-it.sh',
  'wait-on',
  'dockerize',
  'sops',
  'berglas',
  'envconsul',
  'teller',
  'watchexec',
  'start-server-and-test',
  'concurrently',
])

const PYTHON = /^(?:python|python3|python3?\.\d+)$/u

/** null: it runs nothing else that is known. */
export function unwrap(words: readonly string[]): Unwrapped | null {
  const [program = '', ...rest] = words
  const name = posix.basename(program)
  const [first = '', ...others] = rest
  if (PLAIN.has(name)) return { kind: 'words', words: rest.slice(rest.findIndex((word) => !word.startsWith('-'))) }
  if (name === 'env')
    return { kind: 'words', words: rest.slice(rest.findIndex((word) => !word.startsWith('-') && !/^\w+=/u.test(word))) }
  if (name === 'bash' || name === 'sh' || name === 'zsh' || name === 'dash' || name === 'ash') return shellOf(rest)
  if (name === 'eval') return { kind: 'script', text: rest.join(' '), errexit: false }
  if (name === 'ssh') return { kind: 'script', text: afterHost(rest).join(' '), errexit: false }
  if (name === 'npx' || name === 'bunx' || name === 'pnpx') return { kind: 'words', words: afterPackage(rest) }
  if (['npm', 'pnpm', 'yarn', 'bun'].includes(name) && ['exec', 'x', 'dlx', 'node'].includes(first)) {
    return { kind: 'words', words: afterPackage(others) }
  }
  if (
    ['poetry', 'uv', 'pipenv', 'rye', 'hatch', 'pdm', 'mise', 'devbox', 'volta'].includes(name) &&
    ['run', 'exec', 'tool', 'x'].includes(first)
  ) {
    return { kind: 'words', words: afterPackage(first === 'tool' ? others.slice(1) : others) }
  }
  if (name === 'uvx' || name === 'pipx') return { kind: 'words', words: afterPackage(name === 'pipx' ? others : rest) }
  if (name === 'bundle' && first === 'exec') return { kind: 'words', words: others }
  if (PYTHON.test(name) && first === '-m') return { kind: 'words', words: others }
  if (
    (PYTHON.test(name) || name === 'php' || name === 'ruby') &&
    /(?:manage\.py|artisan|bin\/(?:rails|rake|console))$/u.test(first)
  ) {
    return { kind: 'words', words: rest }
  }
  if (name === 'dotnet' && first === 'ef') return { kind: 'words', words: ['dotnet-ef', ...others] }
  if (name === 'cargo' && first === 'sqlx') return { kind: 'words', words: ['sqlx', ...others] }
  if (RUNNERS.has(name) || isContainer(name, rest)) return { kind: 'somewhere', words: rest }
  return null
}

function isContainer(name: string, rest: readonly string[]): boolean {
  const has = (...words: readonly string[]): boolean => words.some((word) => rest.includes(word))
  if (name === 'docker' || name === 'podman' || name === 'nerdctl' || name === 'docker-compose')
    return has('run', 'exec')
  if (name === 'kubectl' || name === 'oc') return rest[0] === 'exec' || rest[0] === 'run' || has('exec', 'run', 'debug')
  if (name === 'heroku' || name === 'dokku' || name === 'scalingo' || name === 'railway' || name === 'eb')
    return has('run', 'run:detached', 'ssh')
  if (name === 'fly' || name === 'flyctl') return has('ssh', 'machine', 'm') && has('console', 'run', 'exec')
  if (name === 'aws') return rest[0] === 'ecs' && rest[1] === 'execute-command'
  return name === 'gcloud' && has('ssh')
}

function shellOf(rest: readonly string[]): Unwrapped | null {
  const at = rest.findIndex((word) => /^-[a-z]*c$/u.test(word))
  if (at >= 0)
    return {
      kind: 'script',
      text: rest[at + 1] ?? '',
      errexit: rest.slice(0, at + 1).some((word) => /^-[a-z]*e/u.test(word)),
    }
  return null
}

/** The words behind the host: everything up to the first word that is neither an option nor its value. */
function afterHost(rest: readonly string[]): readonly string[] {
  const valued = new Set(['-i', '-p', '-o', '-l', '-F', '-J', '-L', '-R', '-b', '-c'])
  let at = 0
  while (at < rest.length && rest[at]?.startsWith('-') === true) at += valued.has(rest[at] ?? '') ? 2 : 1
  return rest.slice(at + 1)
}

/** The words behind `-y`, `-p package`, `--`. */
function afterPackage(rest: readonly string[]): readonly string[] {
  let at = 0
  while (at < rest.length && rest[at]?.startsWith('-') === true) {
    at += [
      '-p',
      '--package',
      '-w',
      '--workspace',
      '--prefix',
      '-C',
      '--filter',
      '--with',
      '--from',
      '--env-file',
    ].includes(rest[at] ?? '')
      ? 2
      : 1
  }
  const [first = '', ...others] = rest.slice(at)
  // `npx prisma@6 migrate deploy`
  return first === '' ? [] : [first.replace(/(?<=.)@[^/]*$/u, ''), ...others]
}
