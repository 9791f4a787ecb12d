/** `check`: one look at an environment. */
import { UsageError } from '../io.ts'
import type { CliIo } from '../io.ts'
import type { CheckOptions } from '../options.ts'

export async function run(_options: CheckOptions, _io: CliIo): Promise<number> {
  throw new UsageError('check is not part of this version yet')
}
