/** Ledgers of test/fixtures/ledger-dumps, as the tools themselves wrote them, with the files that they ran and what is to be read of them. */
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import type { AppliedMigration } from '../../functions/core/ledger.ts'

const FIXTURES = new URL('../fixtures/ledger-dumps/', import.meta.url)

const row = z.strictObject({
  key: z.string(),
  /** Absent: the key. */
  label: z.string().optional(),
  state: z.enum(['applied', 'marked', 'baseline', 'assumed', 'failed']).default('applied'),
  checksum: z.string().nullable().default(null),
  at: z.string().nullable().default(null),
  durationMs: z.number().nullable().default(null),
  by: z.string().nullable().default(null),
  detail: z.string().nullable().default(null),
  passedOver: z.string().optional(),
  /** Absent: where it stands in this list. */
  place: z.number().optional(),
})

const answer = z.strictObject({
  what: z.string(),
  table: z.string(),
  applied: z.array(row),
  /** `code subject` of all findings, in their order. */
  findings: z.array(z.string()).default([]),
  notes: z.array(z.string()).default([]),
})

const dumped = z.strictObject({
  tool: z.string(),
  made: z.string(),
  path: z.string(),
  /** The folder whose project it is; absent: its own. */
  project: z.string().optional(),
  /** Whether its files alone tell whose they are: some say nothing without the repository around them. */
  detected: z.boolean().default(true),
  /** Dumps of PostgreSQL to which others refer: they are loaded before the rest. */
  first: z.array(z.string()).default([]),
  mariadb: answer.optional(),
  postgres: answer.optional(),
})

export type DumpAnswer = z.output<typeof answer>

export interface LedgerDumps extends z.output<typeof dumped> {
  readonly name: string
  /** The folder of the repository. */
  readonly root: string
  /** Texts of the dumps. */
  readonly texts: { readonly mariadb: string | null; readonly postgres: readonly string[] }
}

export async function readLedgerDumps(): Promise<readonly LedgerDumps[]> {
  const names = (await readdir(FIXTURES, { withFileTypes: true })).filter((entry) => entry.isDirectory())
  return Promise.all(names.map(({ name }) => readDumps(name)))
}

async function readDumps(name: string): Promise<LedgerDumps> {
  const folder = new URL(`${name}/`, FIXTURES)
  const text = (file: string): Promise<string> => readFile(new URL(file, folder), 'utf8')
  const files = (await readdir(folder)).sort()
  const dumps = files.filter((file) => /^pg-.*\.sql$/.test(file))
  const right = dumped.parse(JSON.parse(await text('expect.json')))
  return {
    ...right,
    name,
    root: fileURLToPath(new URL(`${right.project ?? name}/project`, FIXTURES)),
    texts: {
      mariadb: files.includes('mariadb-ledger.txt') ? await text('mariadb-ledger.txt') : null,
      postgres: await Promise.all([...new Set([...right.first, ...dumps])].map(text)),
    },
  }
}

/** The rows of an answer in full. */
export function appliedOf({ applied }: DumpAnswer): readonly AppliedMigration[] {
  return applied.map(({ label, place, ...rest }, at) => ({
    ...rest,
    label: label ?? rest.key,
    place: place ?? at + 1,
  }))
}
