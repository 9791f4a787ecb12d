/**
 * What a statement costs a table that is not empty. The server itself says so at client_min_messages=debug1; where it
 * says nothing (DML, queries) the statement's own form does, and libpg-query names the tables.
 */
import type { CostClass, StatementCost } from '../../core/release.ts'
import { dataRowsOf } from './data-rows.ts'
import { lockOf } from './lock.ts'
import { parseStatement, relationsOf } from './parse.ts'
import type { Touch } from './touches.ts'

export interface RunStatement {
  readonly sql: string
  readonly line: number
  readonly notices: readonly string[]
  readonly touches: readonly Touch[]
}

/** Heaviest first: a rewrite builds the indexes again too. */
const WEIGHT: readonly CostClass[] = ['rewrite', 'index', 'foreign-key', 'scan']

/** One entry a statement that costs something; a run of statements that cost the same is its first one. */
export async function costsOf(statements: readonly RunStatement[]): Promise<readonly StatementCost[]> {
  const made = new Set<string>()
  const costs: StatementCost[] = []
  let last = ''
  for (const statement of statements) {
    for (const touch of statement.touches) {
      if (isNewRelation(touch)) made.add(touch.names[0] ?? '')
    }
    const cost = await costOf(statement, made)
    const { line: _, ...rest } = cost
    const key = JSON.stringify(rest)
    if (key !== last) costs.push(cost)
    last = key
  }
  return costs
}

function isNewRelation(touch: Touch): boolean {
  return (
    /^(CREATE (FOREIGN )?TABLE( AS)?|SELECT INTO|CREATE MATERIALIZED VIEW)$/.test(touch.tag) && touch.type !== 'index'
  )
}

/** `made`: relations that the same migration made, which are empty or as large as it filled them. */
async function costOf(statement: RunStatement, made: ReadonlySet<string>): Promise<StatementCost> {
  const form = await formOf(statement, made)
  const concurrently = /^\s*(create|drop|reindex|refresh|alter)\b[^'"$(]*\bconcurrently\b/i.test(statement.sql)
  return { line: statement.line, ...form, concurrently, lock: lockOf(statement, made, form.relations) }
}

async function formOf(statement: RunStatement, made: ReadonlySet<string>): Promise<Form> {
  const told = statement.notices.flatMap((notice) => costTold(notice, statement.touches))
  // A table's TOAST table is built and rewritten with it.
  const heavy = told.filter((cost) => !made.has(cost.relation) && !/^pg_toast_\d+$/.test(cost.relation))
  const heaviest = WEIGHT.find((weight) => heavy.some((cost) => cost.class === weight))
  if (heaviest !== undefined) {
    const names = heavy
      .filter((cost) => cost.class === heaviest)
      .map((cost) => subject(cost.relation, statement.touches))
    return { class: heaviest, relations: [...new Set(names)].sort(), rows: null }
  }
  return told.length > 0 ? INSTANT : costByForm(statement.sql)
}

function costTold(notice: string, touches: readonly Touch[]): readonly { class: CostClass; relation: string }[] {
  const match =
    /^DEBUG (?:(rewriting) table "(.+)"|(verifying) table "(.+)"|(building) index ".+" on table "(.+)" |(validating) foreign key constraint )/s.exec(
      notice,
    )
  if (match === null) return []
  if (match[1] !== undefined) return [{ class: 'rewrite', relation: match[2] ?? '' }]
  if (match[3] !== undefined) return [{ class: 'scan', relation: match[4] ?? '' }]
  if (match[5] !== undefined) return [{ class: 'index', relation: match[6] ?? '' }]
  // The message names the constraint only; the table is the one that was altered.
  return touches
    .filter((touch) => touch.type === 'table')
    .map((touch) => ({ class: 'foreign-key', relation: touch.names[0] ?? '' }))
}

/** The messages leave out the schema: it is that of what the statement touched. */
function subject(relation: string, touches: readonly Touch[]): string {
  const touch =
    touches.find(({ names, type }) => type === 'table' && names[0] === relation) ??
    touches.find(({ schema }) => schema !== null)
  return touch === undefined || touch.schema === null || touch.schema === 'public'
    ? relation
    : `${touch.schema}.${relation}`
}

type Form = Pick<StatementCost, 'class' | 'relations' | 'rows'>

const FIRST_WORD = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*([a-z]+)/i
const UNKNOWN: Form = { class: 'unknown', relations: [], rows: null }
const INSTANT: Form = { class: 'instant', relations: [], rows: null }

/** Whether the parser is likely to be asked about a statement. */
export function isParsed(sql: string): boolean {
  return /\b(insert|update|delete|merge|copy|refresh|select|vacuum|cluster|analyze)\b/i.test(sql)
}

async function costByForm(sql: string): Promise<Form> {
  switch (FIRST_WORD.exec(sql)?.[1]?.toLowerCase() ?? '') {
    case 'insert':
    case 'update':
    case 'delete':
    case 'merge':
    case 'copy':
      return relations('data', sql)
    case 'refresh':
      return relations('query', sql)
    case 'with':
      return relations(/\b(insert\s+into|update|delete\s+from|merge\s+into)\b/i.test(sql) ? 'data' : 'query', sql)
    case 'create':
      return /^[^'"(]*\bcreate\s+(materialized\s+view|(unlogged\s+|temp\s+|temporary\s+)?table)\b[^'(]*\bas\b/i.test(
        sql,
      )
        ? relations('query', sql)
        : INSTANT
    case 'select':
      return costOfSelect(sql)
    case 'do':
    case 'call':
    case 'execute':
      // What a body does to data the server does not tell.
      return /^\s*call|^\s*execute|\b(insert\s+into|update|delete\s+from|merge\s+into|copy|perform|execute)\b/i.test(
        sql,
      )
        ? UNKNOWN
        : INSTANT
    case 'vacuum':
      return relations(/\bfull\b/i.test(sql) ? 'rewrite' : 'scan', sql)
    case 'cluster':
      return relations('rewrite', sql)
    case 'analyze':
      return relations('scan', sql)
    default:
      return INSTANT
  }
}

/** Functions that a migration calls for their effect, and that do not depend on how much data there is. */
const HARMLESS =
  /^\s*select\s+(pg_catalog\.)?(setval|nextval|set_config|current_setting|pg_advisory\w*|pg_notify|now|version|1)\b/i

async function costOfSelect(sql: string): Promise<Form> {
  if (HARMLESS.test(sql)) return INSTANT
  const found = await relations('query', sql)
  return found.relations.length > 0 ? found : UNKNOWN
}

async function relations(of: CostClass, sql: string): Promise<Form> {
  const tree = await parseStatement(sql)
  return { class: of, relations: relationsOf(tree), rows: of === 'data' ? dataRowsOf(tree) : null }
}
