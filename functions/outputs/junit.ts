/** The report as JUnit XML, which every CI system shows: a test case a check, and one a finding. */
import { FINDING_CODES, type Finding, type FindingGroup } from '../core/finding.ts'
import type { CheckOutcome, Report } from '../core/report.ts'
import { causeFields, estimateFields, stepFields } from './finding-text.ts'
import { releaseText } from './text.ts'
import { visibleBlock, visibleName } from './visible-text.ts'

/** XML 1.0 cannot hold control characters in any form: they are shown as escapes. */
function element(text: string): string {
  return visibleBlock(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function attribute(text: string): string {
  return element(visibleName(text)).replaceAll('"', '&quot;')
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3)
}

function body(finding: Finding): string {
  return [
    `expected: ${finding.expected}`,
    `found: ${finding.found}`,
    ...finding.source.map(({ file, line }) => `where: ${file}:${line}`),
    ...finding.consequences.map((consequence) => `explains: ${consequence}`),
    ...causeFields(finding.causes).map(([label, text]) => `${label}: ${text}`),
    ...(finding.estimate === null ? [] : estimateFields(finding.estimate).map(([label, text]) => `${label}: ${text}`)),
    ...stepFields(finding.nextSteps).flatMap(([label, text, command]) => [
      `${label}: ${text}`,
      ...(command === null ? [] : [command]),
    ]),
    `explain: npx deploywatch explain ${finding.code}`,
  ].join('\n')
}

interface TestCase {
  readonly name: string
  readonly classname: string
  readonly durationMs: number
  readonly outcome: 'passed' | 'failure' | 'error' | 'skipped'
  readonly message: string
  readonly body: string
}

/** The check that looks for a group's findings. `could-not-look` may be of any. */
const CHECK_OF: Readonly<Record<FindingGroup, string>> = {
  ledger: 'ledger',
  schema: 'schema',
  statements: 'queries',
  endpoints: 'endpoints',
  environments: 'pipelines',
  'could-not-look': 'look',
}

function findingCase(finding: Finding): TestCase {
  return {
    name: `${finding.code} ${finding.subject}`,
    classname: `deploywatch.${CHECK_OF[FINDING_CODES[finding.code].group]}`,
    durationMs: 0,
    outcome: finding.severity === 'unsure' ? 'error' : 'failure',
    message: finding.found,
    body: body(finding),
  }
}

/**
 * A check that passed or was skipped is a case of its own. One that did not is told by its findings, unless another
 * check's finding explains them: then it says so, since nothing may vanish.
 */
function checkCase(check: CheckOutcome, judged: readonly Finding[]): readonly TestCase[] {
  const common = { name: check.name, classname: 'deploywatch.checks', durationMs: check.durationMs, body: '' }
  if (check.outcome === 'pass') return [{ ...common, outcome: 'passed', message: '' }]
  if (check.outcome === 'skipped') {
    return [{ ...common, outcome: 'skipped', message: 'skipped: nothing is known of it' }]
  }
  const [severity, outcome] =
    check.outcome === 'fail' ? (['error', 'failure'] as const) : (['unsure', 'error'] as const)
  const told = judged.some(
    (finding) => finding.severity === severity && CHECK_OF[FINDING_CODES[finding.code].group] === check.name,
  )
  return told ? [] : [{ ...common, outcome, message: 'explained by the other findings of this report' }]
}

function caseLines({ name, classname, durationMs, outcome, message, body }: TestCase): readonly string[] {
  const head = `    <testcase name="${attribute(name)}" classname="${attribute(classname)}" time="${seconds(durationMs)}"`
  if (outcome === 'passed') return [`${head}/>`]
  const type = outcome === 'skipped' ? '' : ` type="${attribute(name.split(' ')[0] ?? '')}"`
  const child = `      <${outcome} message="${attribute(message)}"${type}`
  return [`${head}>`, body === '' ? `${child}/>` : `${child}>${element(body)}</${outcome}>`, '    </testcase>']
}

/** Warnings, information and notes change no verdict: they are the suite's output. */
function remarks(report: Report): string {
  return [
    ...report.findings
      .filter(({ severity }) => severity === 'warning' || severity === 'info')
      .map(({ severity, code, subject, found }) => `${severity}[${code}]: ${subject}: ${found}`),
    ...report.notes.map((note) => `note: ${note}`),
  ].join('\n')
}

/** The report as JUnit XML in UTF-8, with a trailing newline. An unsure finding is an `<error>`: never a pass. */
export function renderJunit(report: Report): string {
  const judged = report.findings.filter(({ severity }) => severity === 'error' || severity === 'unsure')
  const cases = [...report.checks.flatMap((check) => checkCase(check, judged)), ...judged.map(findingCase)]
  const of = (outcome: TestCase['outcome']): number => cases.filter((test) => test.outcome === outcome).length
  const name = `deploywatch ${report.environment ?? 'pipelines'} ${releaseText(report)}`
  const counts = `tests="${cases.length}" failures="${of('failure')}" errors="${of('error')}" skipped="${of('skipped')}"`
  const output = remarks(report)
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts} time="${seconds(report.durationMs)}">`,
    // The common reading of `timestamp` has neither fraction nor zone: it is UTC.
    `  <testsuite name="${attribute(name)}" ${counts} time="${seconds(report.durationMs)}" timestamp="${attribute(report.startedAt.slice(0, 19))}">`,
    ...cases.flatMap(caseLines),
    ...(output === '' ? [] : [`    <system-out>${element(output)}</system-out>`]),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}
