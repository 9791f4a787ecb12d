/** A report in the format that was asked for. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Report } from '../functions/core/report.ts'
import { OUTPUT_FORMATS } from '../functions/outputs/formats.ts'
import type { ReportContext } from '../functions/outputs/report-page.ts'
import { NO_CONTEXT } from '../functions/outputs/report-page.ts'
import { showsColor, widthOf } from './io.ts'
import type { CliIo } from './io.ts'
import type { CommonOptions } from './options.ts'

/**
 * @param folder which places of findings are below
 * @param context what is known beside the report, for a page
 */
export function render(
  report: Report,
  { format, output }: CommonOptions,
  { folder }: { readonly folder: string },
  io: CliIo,
  context: ReportContext = NO_CONTEXT,
): string {
  return OUTPUT_FORMATS[format](report, {
    color: output === null && showsColor(io.stdout, io.env),
    width: widthOf(io.stdout),
    context,
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
