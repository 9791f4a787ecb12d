/** The process around the command line: exit codes, broken pipes, bugs. */
import { EXIT } from './io.ts'
import type { CliIo } from './io.ts'
import { runProgram } from './program.ts'

// Whatever ends this process early, an event loop that runs dry too, must not look like an answer: 0 is a pass.
process.exitCode = EXIT.bug
let finished = false
process.on('uncaughtException', (error) => finish(reportBug(error, process)))

// On Node 20 the AWS SDK prints seven lines about the next version of Node: not what is looked for during an incident.
// A command that is run for somebody gets the environment that was there before.
const env = { ...process.env }
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'

// A reader that has seen enough (`| head`) closes the pipe, and a terminal may hang up (EIO) while a migration runs; the verdict is
// the exit code all the same.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') finish(EXIT.bug)
  })
}

const io: CliIo = { stdout: process.stdout, stderr: process.stderr, env, cwd: process.cwd() }

finish(await runProgram(process.argv.slice(2), io).catch((error: unknown) => answerError(error, io)))

/** Ends the process when all is written: a connection that is still open must not keep it. */
function finish(code: number): void {
  // What comes first stands: a command that ends after a bug was met has no answer any more.
  if (finished) return
  finished = true
  process.exitCode = code
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
}

/** Wrong use and an invalid config have a message that is made for people. By name: their modules need not be loaded. */
function answerError(error: unknown, { stderr }: CliIo): number {
  if (!(error instanceof Error)) return reportBug(error, io)
  switch (error.name) {
    case 'ConfigError':
      stderr.write(`error: the config cannot be used\n${error.message}\n`)
      return EXIT.usage
    case 'StoreError':
      stderr.write(`error: ${error.message}\n`)
      return EXIT.unsure
    case 'UsageError':
      stderr.write(`error: ${error.message}\n`)
      return EXIT.usage
    default:
      return reportBug(error, io)
  }
}

/** What nobody has foreseen may hold anything: of URLs the credentials are cut. */
function reportBug(error: unknown, { stderr, env }: Pick<CliIo, 'stderr' | 'env'>): number {
  const traced = (env['DEPLOYWATCH_DEBUG'] ?? '') !== ''
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const shown = traced ? stack : error instanceof Error ? `${error.name}: ${error.message}` : stack
  const help = traced ? '' : '; run it again with DEPLOYWATCH_DEBUG=1 to see where'
  stderr.write(
    `deploywatch has a bug, and there is no verdict: ${shown.replaceAll(/\/\/[^\s/]*@/gu, '//***@')}${help}\n`,
  )
  return EXIT.bug
}
