/** `build`: computes the release manifest. */
import { UsageError } from '../io.ts'
import type { CliIo } from '../io.ts'
import type { BuildOptions } from '../options.ts'

export async function run(_options: BuildOptions, _io: CliIo): Promise<number> {
  throw new UsageError('build is not part of this version yet')
}
