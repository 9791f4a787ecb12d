/** `explain CODE`: the page of a finding code. */
import { EXPLANATIONS, explainCode, isFindingCode, suggestCodes } from '../../functions/outputs/explain.ts'
import { FINDING_CODES } from '../../functions/core/finding.ts'
import { EXIT, showsColor, UsageError, widthOf } from '../io.ts'
import type { CliIo } from '../io.ts'
import type { ExplainOptions } from '../options.ts'
import { writeResult } from '../result.ts'

export async function run(options: ExplainOptions, io: CliIo): Promise<number> {
  const { code, format, output } = options
  if (!isFindingCode(code)) throw new UsageError(unknownCode(code))
  const toTerminal = output === null
  const page =
    format === 'json'
      ? JSON.stringify({ code, ...FINDING_CODES[code], ...EXPLANATIONS[code] }, null, 2)
      : explainCode(code, {
          color: toTerminal && showsColor(io.stdout, io.env),
          width: toTerminal ? widthOf(io.stdout) : 80,
        })
  await writeResult(page, output, io)
  return EXIT.pass
}

function unknownCode(code: string): string {
  const near = suggestCodes(code)
  const codes =
    near.length > 0 ? `did you mean ${near.join(', ')}?` : `the codes are ${Object.keys(FINDING_CODES).join(', ')}`
  return `there is no finding code "${code}": ${codes}`
}
