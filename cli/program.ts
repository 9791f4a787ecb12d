/** The commands and their options. A command's module is loaded when it is run: `--help` loads this file alone. */
import { Command, CommanderError, Option } from 'commander'
import manifest from '../package.json' with { type: 'json' }
import { EXIT, UsageError, widthOf } from './io.ts'
import type { CliIo } from './io.ts'
import { COMPARE_FORMATS, DEFAULT_CONFIG, ESTIMATE_FORMATS, FORMATS, NOTE_FORMATS } from './options.ts'
import type { CommonOptions } from './options.ts'

type Raw = Readonly<Record<string, unknown>>

const COMMON = {
  config: new Option('--config <file>', 'the config').default(DEFAULT_CONFIG),
  release: new Option(
    '--release <file>',
    'the release manifest (default: deploywatch.release.json, else the working tree)',
  ),
  running: new Option('--running <file>', "the manifest of the release that runs there now (default: the store's)"),
  store: new Option('--store <place>', "a folder, or s3://BUCKET?table=TABLE (default: the config's)"),
  format: new Option('--format <format>', 'how the result is written').choices(FORMATS).default('text'),
  noteFormat: new Option('--format <format>', 'how the result is written').choices(NOTE_FORMATS).default('text'),
  output: new Option('--output <file>', 'write the result there instead of to stdout'),
} as const

type CommonName = keyof typeof COMMON

interface Definition {
  readonly name: string
  readonly summary: string
  readonly argument?: readonly [string, string]
  readonly options: readonly Option[]
  /** The common flags that mean something here: any other one is wrong use, not silently without effect. */
  readonly common: readonly CommonName[]
  /** What follows `--` is a command of somebody else's: it is no option of ours, whatever it looks like. */
  readonly takesCommand?: true
  readonly run: (raw: Raw, common: CommonOptions, io: CliIo) => Promise<number>
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)

const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []

/** Not left to commander: it would ask for the option before it says that another one is mistyped. */
function environmentOf(raw: Raw, command: string): string {
  const name = text(raw['env'])
  if (name === null || name === '') throw new UsageError(`${command} needs an environment: add --env NAME`)
  return name
}

const COMMANDS: readonly Definition[] = [
  {
    name: 'init',
    summary: 'write a starter config from what is found in this folder',
    options: [
      new Option('--force', 'overwrite a config that is there'),
      new Option('--grants', 'print the SQL of the least-privileged role instead'),
      new Option('--env <name>', 'with --grants: the environment that the role is for'),
      new Option('--role <name>', 'with --grants: the name of the role'),
    ],
    common: ['config', 'output'],
    run: async (raw, common, io) => {
      const { run } = await import('./commands/init.ts')
      const options = {
        force: raw['force'] === true,
        grants: raw['grants'] === true,
        env: text(raw['env']),
        role: text(raw['role']),
      }
      return run({ ...common, ...options }, io)
    },
  },
  {
    name: 'build',
    summary: 'compute the release manifest: what this release needs of its environment',
    options: [
      new Option('--out <file>', 'the manifest (default: deploywatch.release.json)'),
      new Option('--release-version <version>', 'the version of the release'),
      new Option('--commit <sha>', 'the commit of the release'),
    ],
    common: ['config', 'noteFormat', 'output'],
    run: async (raw, common, io) => {
      const { run } = await import('./commands/build.ts')
      const options = {
        out: text(raw['out']),
        releaseVersion: text(raw['releaseVersion']),
        commit: text(raw['commit']),
      }
      return run({ ...common, ...options }, io)
    },
  },
  {
    name: 'check',
    summary: 'look at an environment: is its database ready for this release?',
    options: [
      new Option('--env <name>', 'the environment (needed)'),
      new Option('--deployed', 'the release is deployed: its endpoints are judged too'),
    ],
    common: ['config', 'release', 'running', 'store', 'format', 'output'],
    run: async (raw, common, io) => {
      const { run } = await import('./commands/check.ts')
      return run({ ...common, env: environmentOf(raw, 'check'), deployed: raw['deployed'] === true }, io)
    },
  },
  {
    name: 'watch',
    summary: 'look again and again through a window after a deployment',
    options: [
      new Option('--env <name>', 'the environment (needed)'),
      new Option('--for <duration>', "the window, such as 90s or 15m (default: the environment's watch.for)"),
    ],
    common: ['config', 'release', 'running', 'store', 'format', 'output'],
    run: async (raw, common, io) => {
      const { run } = await import('./commands/watch.ts')
      return run({ ...common, env: environmentOf(raw, 'watch'), for: text(raw['for']) }, io)
    },
  },
  {
    name: 'migrate',
    summary: 'run your own migration command between two looks: a success is a schema that is there',
    takesCommand: true,
    options: [
      new Option('--env <name>', 'the environment (needed)'),
      new Option('--timeout <duration>', 'end the command after so long, such as 30m (default: never)'),
    ],
    common: ['config', 'release', 'running', 'store', 'format', 'output'],
    run: async (raw, common, io) => {
      const { run } = await import('./commands/migrate.ts')
      const options = { env: environmentOf(raw, 'migrate'), timeout: text(raw['timeout']) }
      return run({ ...common, ...options, command: texts(raw['command']) }, io)
    },
  },
  {
    name: 'record',
    summary: 'keep what an environment shows of this release: its migrations, and the statements that really run there',
    options: [
      new Option('--env <name>', 'the environment (needed)'),
      new Option('--out <file>', 'the evidence (default: deploywatch.evidence.ENV.json beside the manifest)'),
    ],
    common: ['config', 'release', 'store', 'noteFormat', 'output'],
    run: async (raw, common, io) => {
      const { run } = await import('./commands/record.ts')
      return run({ ...common, env: environmentOf(raw, 'record'), out: text(raw['out']) }, io)
    },
  },
  {
    name: 'compare',
    summary: 'migrations × environments: what is where, since when, and which objects differ',
    argument: ['<environments...>', 'two environments or more'],
    options: [new Option('--format <format>', 'how the result is written').choices(COMPARE_FORMATS).default('text')],
    common: ['config', 'release', 'store', 'output'],
    run: async (raw, common, io) => {
      const { run } = await import('./commands/compare.ts')
      const format = COMPARE_FORMATS.find((known) => known === raw['format']) ?? 'text'
      return run({ ...common, environments: texts(raw['argument']), format }, io)
    },
  },
  {
    name: 'estimate',
    summary: 'how long the migrations will take that an environment lacks',
    options: [
      new Option('--env <name>', 'the environment (needed)'),
      new Option('--format <format>', 'how the result is written').choices(ESTIMATE_FORMATS).default('text'),
    ],
    common: ['config', 'release', 'store', 'output'],
    run: async (raw, common, io) => {
      const { run } = await import('./commands/estimate.ts')
      const format = ESTIMATE_FORMATS.find((known) => known === raw['format']) ?? 'text'
      return run({ ...common, env: environmentOf(raw, 'estimate'), format }, io)
    },
  },
  {
    name: 'publish',
    summary: 'put the manifest and its evidence into the store, where gates and watches find them',
    options: [
      new Option(
        '--label <label>',
        'what a deployment will know it by: an image digest, a function version; may be repeated',
      ).argParser((label: string, before: readonly string[] | undefined) => [...(before ?? []), label]),
    ],
    common: ['config', 'release', 'store', 'noteFormat', 'output'],
    run: async (raw, common, io) => {
      const { run } = await import('./commands/publish.ts')
      return run({ ...common, labels: texts(raw['label']) }, io)
    },
  },
  {
    name: 'audit',
    summary: 'read the pipelines: does each environment migrate, check and deploy, in that order?',
    options: [],
    common: ['config', 'format', 'output'],
    run: async (_raw, common, io) => {
      const { run } = await import('./commands/audit.ts')
      return run(common, io)
    },
  },
  {
    name: 'explain',
    summary: 'what a finding code means, its usual causes, what to do',
    argument: ['<code>', 'the code of a finding, such as migration-missing'],
    options: [],
    common: ['noteFormat', 'output'],
    run: async (raw, common, io) => {
      const { run } = await import('./commands/explain.ts')
      return run({ ...common, code: text(raw['argument']) ?? '' }, io)
    },
  },
  {
    name: 'demo',
    summary: 'replay the incident on this machine, with and without Deploywatch',
    options: [],
    common: [],
    run: async (_raw, _common, io) => {
      const { run } = await import('./commands/demo.ts')
      return run(io)
    },
  },
]

const EXITS = 'Exit codes: 0 pass, 1 fail, 2 unsure (could not be checked), 64 wrong use or invalid config'

/** Runs the command that `args` say and answers with the exit code. Throws what is no answer: bugs. */
export async function runProgram(args: readonly string[], io: CliIo): Promise<number> {
  let code: number = EXIT.usage
  // Commander's own exit codes are of no use: for `help` it takes what process.exitCode holds.
  let answered = false
  const program = new Command('deploywatch')
    .description('Stops a deployment whose database is not ready for it')
    .version(manifest.version)
    .addHelpText('after', `\n${EXITS}`)
    .exitOverride()
    .configureOutput({
      writeOut: (output) => {
        answered = true
        io.stdout.write(output)
      },
      writeErr: (output) => void io.stderr.write(output),
      getOutHelpWidth: () => widthOf(io.stdout),
      getErrHelpWidth: () => widthOf(io.stderr),
    })
  const { own, command } = splitCommand(args)
  for (const definition of COMMANDS) {
    addCommand(program, definition, async (raw) => {
      code = await definition.run({ ...raw, command }, commonOptions(raw), io)
    })
  }
  try {
    // Without a command commander prints the help to stderr and exits with an error: nothing was asked.
    await program.parseAsync(own, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return answered ? EXIT.pass : EXIT.usage
    throw error
  }
}

/** Commander would read the options of what follows `--`, where an operand stands before it. */
function splitCommand(args: readonly string[]): {
  readonly own: readonly string[]
  readonly command: readonly string[]
} {
  const at = args.indexOf('--')
  const taking = COMMANDS.some(({ name, takesCommand }) => takesCommand === true && name === args[0])
  return at === -1 || !taking ? { own: args, command: [] } : { own: args.slice(0, at), command: args.slice(at + 1) }
}

function addCommand(program: Command, definition: Definition, run: (raw: Raw) => Promise<void>): void {
  const command = program.command(definition.name).description(definition.summary)
  for (const option of definition.options) command.addOption(option)
  for (const name of definition.common) command.addOption(COMMON[name])
  if (definition.takesCommand === true) {
    command.usage('--env <name> [options] -- <command...>')
    command.showHelpAfterError('(the command that migrates stands after `--`, with its own options)')
  }
  if (definition.argument === undefined) {
    command.action(async () => run(command.opts()))
  } else {
    command.argument(...definition.argument)
    command.action(async (argument: string | readonly string[]) => run({ ...command.opts(), argument }))
  }
}

function commonOptions(raw: Raw): CommonOptions {
  return {
    config: text(raw['config']) ?? DEFAULT_CONFIG,
    release: text(raw['release']),
    running: text(raw['running']),
    store: text(raw['store']),
    format: FORMATS.find((format) => format === raw['format']) ?? 'text',
    output: text(raw['output']),
  }
}
