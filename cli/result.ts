/** Where a command's result goes. */
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { UsageError } from './io.ts'
import type { CliIo } from './io.ts'

/** Writes the result to stdout, or to the file of `--output`; then stderr says where it is. */
export async function writeResult(text: string, output: string | null, io: CliIo): Promise<void> {
  const whole = text.endsWith('\n') ? text : `${text}\n`
  if (output === null) {
    io.stdout.write(whole)
    return
  }
  try {
    await writeFile(resolve(io.cwd, output), whole)
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new UsageError(`--output ${output} cannot be written (${reason}): name a file in a folder that is there`)
  }
  io.stderr.write(`wrote ${output}\n`)
}
