/** Scenarios of test/fixtures/pipelines: a repository with its pipelines, and what an audit has to say of them. */
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { audit } from '../../functions/audit.ts'
import { auditOrder } from '../../functions/audit-order.ts'
import { loadConfig } from '../../functions/config/load.ts'
import type { Report } from '../../functions/core/report.ts'
import { openRepository } from '../../functions/pipelines/repository.ts'

const FIXTURES = new URL('../fixtures/pipelines/', import.meta.url)

const place = z.object({ file: z.string(), lines: z.tuple([z.number(), z.number()]) })

const expectedFinding = place.extend({
  code: z.string(),
  environment: z.string(),
  /** Other right codes, other right places. */
  or: z.array(z.string()).default([]),
  at: z.array(place).default([]),
})

const answer = z.object({
  what: z.string(),
  exit: z.union([z.number(), z.array(z.number())]),
  /** The errors and what could not be told, no more and no fewer. */
  errors: z.array(expectedFinding),
  /** Information that has to be there. */
  infos: z.array(z.object({ code: z.string(), environment: z.string() })).default([]),
  never: z.array(z.string()),
  why: z.string(),
})

export interface PipelineScenario {
  readonly name: string
  readonly project: string
  readonly right: z.output<typeof answer>
}

export async function listPipelineScenarios(): Promise<readonly PipelineScenario[]> {
  const names = (await readdir(FIXTURES, { withFileTypes: true })).filter((entry) => entry.isDirectory())
  return Promise.all(
    names
      .map(({ name }) => name)
      .sort()
      .map(async (name) => {
        const folder = new URL(`${name}/`, FIXTURES)
        const text = await readFile(new URL('expected.json', folder), 'utf8')
        return { name, project: fileURLToPath(new URL('project', folder)), right: answer.parse(JSON.parse(text)) }
      }),
  )
}

/** The audit of a project's folder. */
export async function auditFolder(project: string): Promise<Report> {
  const loaded = await loadConfig('deploywatch.yaml', project)
  const at = Date.UTC(2026, 10, 22)
  return audit(
    auditOrder(loaded, openRepository(project), {
      release: { version: '1.0.0', commit: null },
      startedAt: at,
      clock: () => at,
    }),
  )
}

const EXITS = { pass: 0, fail: 1, unsure: 2 } as const

/** What is wrong with an audit, one sentence each; empty where it is right. */
export function misaudited(report: Report, right: PipelineScenario['right']): readonly string[] {
  const problems: string[] = []
  const exits = [right.exit].flat()
  const exit = EXITS[report.verdict]
  if (!exits.includes(exit)) problems.push(`exit ${exit}, not ${exits.join(' or ')}`)
  let judged = report.findings.filter(({ severity }) => severity === 'error' || severity === 'unsure')
  for (const { code, subject } of judged)
    if (right.never.includes(code)) problems.push(`has ${code} ${subject}, which would be false`)
  for (const wanted of right.errors) {
    const places = [wanted, ...wanted.at]
    const found = judged.find(
      ({ code, subject, source }) =>
        [wanted.code, ...wanted.or].includes(code) &&
        subject.startsWith(wanted.environment) &&
        places.some(
          ({ file, lines: [from, to] }) => source[0]?.file === file && source[0].line >= from && source[0].line <= to,
        ),
    )
    if (found === undefined)
      problems.push(`lacks ${wanted.code} of ${wanted.environment} at ${wanted.file}:${wanted.lines.join('-')}`)
    judged = judged.filter((finding) => finding !== found)
  }
  if (!Array.isArray(right.exit)) {
    problems.push(
      ...judged.map(({ code, subject, found }) => `has ${code} ${subject} (${found}), which is not expected`),
    )
  }
  for (const { code, environment } of right.infos) {
    const isSaid = report.findings.some(
      (one) => one.severity === 'info' && one.code === code && one.subject.startsWith(environment),
    )
    if (!isSaid) problems.push(`lacks the information ${code} of ${environment}`)
  }
  return problems
}
