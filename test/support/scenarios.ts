/** Scenarios of test/fixtures/ledgers: a repository, a database dump, and the right answer; and how an answer is held to it. */
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'

const FIXTURES = new URL('../fixtures/ledgers/', import.meta.url)

const named = z.object({ code: z.string(), subject: z.string() })

const answer = z.object({
  tool: z.string(),
  what: z.string(),
  exit: z.union([z.number(), z.array(z.number())]),
  errors: z.array(named),
  schemaErrors: z.array(named),
  infos: z.array(named),
  schemaInfos: z.array(named).default([]),
  never: z.array(z.string()),
  doubtful: z
    .array(
      z.union([named, z.object({ codes: z.array(z.string()), subjects: z.array(z.string()), atLeast: z.number() })]),
    )
    .default([]),
  /** Texts that must stand in the causes of an error, by a part of its subject. */
  causes: z.array(z.object({ subject: z.string(), text: z.string() })).default([]),
})

export type Answer = z.output<typeof answer>

export interface Scenario {
  /** `tool/scenario`. */
  readonly name: string
  readonly project: string
  readonly right: Answer
  readonly dump: () => Promise<string>
}

/** Which tools' scenarios run together: a test file each, since files run beside one another. */
export const FAMILIES = {
  atlas: ['atlas'],
  first: ['drizzle', 'golang-migrate', 'knex', 'prisma'],
  flyway: ['flyway'],
  graphile: ['graphile-migrate'],
  jscode: ['kysely', 'mikro-orm', 'sequelize', 'typeorm'],
  liquibase: ['liquibase'],
  others: ['node-pg-migrate', 'postgrator', 'db-migrate', 'laravel', 'ecto', 'ef-core'],
  python: ['alembic', 'django'],
  sqitch: ['sqitch'],
  sqlfiles: ['dbmate', 'rails', 'goose', 'sqlx', 'diesel', 'supabase'],
} as const satisfies Readonly<Record<string, readonly string[]>>

export async function scenariosOf(family: keyof typeof FAMILIES): Promise<readonly Scenario[]> {
  const names = await Promise.all(
    FAMILIES[family].map(async (tool) =>
      (await readdir(new URL(`${tool}/`, FIXTURES))).map((scenario) => `${tool}/${scenario}`),
    ),
  )
  return Promise.all(
    names
      .flat()
      .sort()
      .map(async (name) => {
        const folder = new URL(`${name}/`, FIXTURES)
        return {
          name,
          project: fileURLToPath(new URL('project', folder)),
          right: answer.parse(JSON.parse(await readFile(new URL('expect.json', folder), 'utf8'))),
          dump: () => readFile(new URL('target.sql', folder), 'utf8'),
        }
      }),
  )
}

/** What an answer says, as far as a scenario judges it. */
export interface Given {
  readonly exit: number
  readonly findings: readonly {
    readonly code: string
    readonly severity: string
    readonly subject: string
    readonly causes: readonly { readonly text: string; readonly evidence: string | null }[]
  }[]
}

/** What is wrong with an answer, one sentence each; empty where it is right. */
export function misjudged(given: Given, right: Answer): readonly string[] {
  const fits = (finding: Given['findings'][number], wanted: z.output<typeof named>) =>
    finding.code === wanted.code && finding.subject.includes(wanted.subject)
  const problems: string[] = []
  const exits = [right.exit].flat()
  if (!exits.includes(given.exit)) problems.push(`exit ${given.exit}, not ${exits.join(' or ')}`)
  for (const info of [...right.infos, ...right.schemaInfos]) {
    if (!given.findings.some((finding) => fits(finding, info))) problems.push(`lacks ${info.code} ${info.subject}`)
  }
  for (const { code, subject } of given.findings) {
    if (right.never.includes(code)) problems.push(`has ${code} ${subject}, which would be false`)
  }
  for (const { subject, text } of right.causes) {
    const causes = given.findings.filter((finding) => finding.subject.includes(subject)).flatMap(({ causes }) => causes)
    if (!causes.some((cause) => `${cause.text} ${cause.evidence ?? ''}`.includes(text))) {
      problems.push(`no cause of ${subject} says "${text}"`)
    }
  }
  let errors = given.findings.filter((finding) => finding.severity === 'error')
  for (const wanted of [...right.errors, ...right.schemaErrors]) {
    const found = errors.find((finding) => fits(finding, wanted))
    if (found === undefined) problems.push(`lacks ${wanted.code} ${wanted.subject}`)
    errors = errors.filter((finding) => finding !== found)
  }
  for (const doubt of right.doubtful) {
    const { codes, subjects, atLeast } =
      'code' in doubt ? { codes: [doubt.code], subjects: [doubt.subject], atLeast: 0 } : doubt
    const found = errors.filter(
      (finding) => codes.includes(finding.code) && subjects.some((part) => finding.subject.includes(part)),
    )
    if (found.length < atLeast) problems.push(`lacks one of ${codes.join(', ')} on one of ${subjects.join(', ')}`)
    errors = errors.filter((finding) => !found.includes(finding))
  }
  if (!Array.isArray(right.exit)) {
    problems.push(...errors.map(({ code, subject }) => `has ${code} ${subject}, which is not expected`))
  }
  return problems
}
