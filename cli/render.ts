/** A report in the format that was asked for. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Report } from '../functions/core/report.ts'
import { OUTPUT_FORMATS } from '../functions/outputs/formats.ts'
import { showsColor, widthOf } from './io.ts'
import type { CliIo } from './io.ts'
import type { CommonOptions } from './options.ts'

/** @param folder which places of findings are below */
export function render(
  report: Report,
  { format, output }: CommonOptions,
  { folder }: { readonly folder: string },
  io: CliIo,
): string {
  return OUTPUT_FORMATS[format](report, {
    color: output === null && showsColor(io.stdout, io.env),
    width: widthOf(io.stdout),
    readFile: (path) => {
      try {
        return readFileSync(resolve(folder, path), 'utf8')
      } catch {
        // The excerpt is a courtesy: a manifest travels without its files.
        return null
      }
    },
  })
}
