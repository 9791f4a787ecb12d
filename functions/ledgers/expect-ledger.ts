/** What a release expects of a ledger, from what a tool says of its files. */
import type { LedgerExpectation, LedgerTableName } from '../core/release.ts'
import type { Detection, Discovery, LedgerSettings, LedgerTool, ProjectFiles } from './ledger.ts'

export interface LedgerPlace {
  /** Its name in the config. */
  readonly name: string
  readonly path: string
  /** `table` of the config. */
  readonly table: LedgerTableName | null
}

export function expectLedger(
  { name, path, table }: LedgerPlace,
  tool: LedgerTool,
  detection: Detection,
  found: Discovery,
): LedgerExpectation {
  const problems = found.problems.map(({ file, line, message }) => `${file}:${line}: ${message}`)
  return {
    name,
    tool: tool.name,
    detectedBy: detection.evidence,
    path,
    table: table ?? found.table,
    migrations: found.migrations,
    commands: found.commands,
    late: found.late,
    notes: [...found.notes, ...problems],
    ...(found.elsewhere === undefined || found.elsewhere.length === 0 ? {} : { elsewhere: found.elsewhere }),
  }
}

/** The same of the tools whose files are named alike, where the repository does not say which one runs them, and all have the same list. */
export async function expectOtherwise(
  project: ProjectFiles,
  tools: readonly LedgerTool[],
  { tool, detection }: { readonly tool: LedgerTool; readonly detection: Detection },
  expected: LedgerExpectation,
  settings: LedgerSettings,
): Promise<LedgerExpectation> {
  if (detection.confidence === 'certain' || expected.table !== null) return expected
  const otherwise: LedgerExpectation[] = []
  for (const other of tools.filter(({ name }) => tool.alike?.includes(name) === true)) {
    const evidence = `its files may be ${tool.title}'s or ${other.title}'s, and the ledger is ${other.title}'s`
    const found = await other.discover(project, settings)
    const one = expectLedger({ ...expected, table: null }, other, { evidence, confidence: 'likely' }, found)
    if (filesOf(one) === filesOf(expected)) otherwise.push(one)
  }
  return otherwise.length === 0 ? expected : { ...expected, otherwise }
}

function filesOf({ migrations }: LedgerExpectation): string {
  return JSON.stringify(migrations.map(({ file }) => file))
}
