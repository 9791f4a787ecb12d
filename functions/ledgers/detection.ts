/** Which tool's migrations a folder holds: told by its files and the repository around it, never guessed. */
import { LEDGER_TOOLS } from './index.ts'
import type { Detection, LedgerTool, ProjectFiles } from './ledger.ts'
import { suggestion } from '../config/problem.ts'
import { detectOther, OTHER_TOOLS } from './other-tools.ts'

export type DetectedTool =
  | { readonly tool: LedgerTool; readonly detection: Detection }
  /**
   * - `unsupported`: a tool that is known and not read yet.
   * - `unknown`: `migrations.tool` is no tool's name.
   * - `ambiguous`: two tools fit equally well.
   * - `undetected`: nothing in the folder is any tool's; an empty folder too.
   */
  | { readonly problem: 'unsupported' | 'unknown' | 'ambiguous' | 'undetected'; readonly message: string }

/** @param wanted `migrations.tool` of the config, or null where it is to be found out. */
export async function detectTool(
  project: ProjectFiles,
  path: string,
  wanted: string | null,
  tools: readonly LedgerTool[] = LEDGER_TOOLS,
): Promise<DetectedTool> {
  if (wanted !== null) return namedTool(project, path, wanted, tools)
  const found = await Promise.all(tools.map(async (tool) => ({ tool, detection: await tool.detect(project, path) })))
  const fits = found.flatMap(({ tool, detection }) => (detection === null ? [] : [{ tool, detection }]))
  const other = await detectOther(project, path)
  for (const confidence of ['certain', 'likely', 'possible'] as const) {
    const [first, second] = fits.filter(({ detection }) => detection.confidence === confidence)
    const unsupported = other?.detection.confidence === confidence ? other : null
    if (first !== undefined && second !== undefined) return ambiguous(path, first, second.tool.title, second.detection)
    if (first !== undefined && unsupported !== null) {
      return ambiguous(path, first, unsupported.tool.title, unsupported.detection)
    }
    if (first !== undefined) return first
    if (unsupported !== null) {
      return {
        problem: 'unsupported',
        message: unsupportedText(unsupported.tool.title, unsupported.detection.evidence),
      }
    }
  }
  return {
    problem: 'undetected',
    message: `${path} has no file that is a migration of ${supportedTitles()}: correct \`migrations.path\`, or set \`migrations.tool\` to one of ${supportedNames()}`,
  }
}

async function namedTool(
  project: ProjectFiles,
  path: string,
  wanted: string,
  tools: readonly LedgerTool[],
): Promise<DetectedTool> {
  const tool = tools.find(({ name }) => name === wanted.toLowerCase())
  if (tool !== undefined) {
    const own = await tool.detect(project, path)
    const evidence = `\`migrations.tool\` says so${own === null ? '' : `, and ${own.evidence}`}`
    return { tool, detection: { evidence, confidence: 'certain' } }
  }
  const other = OTHER_TOOLS.find(
    ({ name, title }) => name === wanted.toLowerCase() || title.toLowerCase() === wanted.toLowerCase(),
  )
  if (other !== undefined)
    return { problem: 'unsupported', message: unsupportedText(other.title, '`migrations.tool` says so') }
  return {
    problem: 'unknown',
    message: `\`migrations.tool\` is ${wanted}, which is no migration tool that is known${suggestion(
      wanted,
      tools.map(({ name }) => name),
    )}`,
  }
}

function ambiguous(
  path: string,
  first: { readonly tool: LedgerTool; readonly detection: Detection },
  secondTitle: string,
  second: Detection,
): DetectedTool {
  const why = `${first.tool.title} (${first.detection.evidence}) and ${secondTitle} (${second.evidence})`
  return {
    problem: 'ambiguous',
    message: `${path} may be ${why}: set \`migrations.tool\` to the one that runs these files`,
  }
}

function unsupportedText(title: string, evidence: string): string {
  return `these are migrations of ${title} (${evidence}), whose ledger cannot be read yet: supported are ${supportedTitles()}; to compare the schema without a ledger, leave \`migrations\` out and set \`schema.replay.mode\` to command, dump or environment`
}

function supportedNames(): string {
  return LEDGER_TOOLS.map(({ name }) => name).join(', ')
}

function supportedTitles(): string {
  return LEDGER_TOOLS.map(({ title }) => title).join(', ')
}
