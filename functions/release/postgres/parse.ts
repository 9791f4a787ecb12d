/** What a statement is about, by Postgres's own parser as WebAssembly: asked only where no server can say it. */
import type { ObjectReference } from '../../core/release.ts'

/** A node of the parse tree: its one key is its type. */
export type Node = Readonly<Record<string, unknown>>

/** Loads the parser, in threads of its own: begun early, nobody waits for it. */
export async function loadParser(): Promise<void> {
  const { loadModule } = await import('libpg-query')
  await loadModule()
}

/** The statement's node, or null where it does not parse. */
export async function parseStatement(sql: string): Promise<Node | null> {
  await loadParser()
  const { parseSync } = await import('libpg-query')
  try {
    const tree = parseSync(sql)
    return (tree.stmts?.[0]?.stmt as Node | undefined) ?? null
  } catch {
    return null
  }
}

interface RangeVar {
  readonly schemaname?: string
  readonly relname?: string
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null
}

/** Subjects of all relations that stand in the tree, without the names of its own WITH queries. */
export function relationsOf(tree: Node | null): readonly string[] {
  const found = new Set<string>()
  const own = new Set<string>()
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit)
    if (!isNode(value)) return
    if (typeof value['ctename'] === 'string') own.add(value['ctename'])
    if (typeof value['relname'] === 'string') found.add(subjectOfRange(value))
    // SELECT INTO and CREATE TABLE AS name there what they make.
    for (const [key, inner] of Object.entries(value)) if (key !== 'into') visit(inner)
  }
  visit(tree)
  return [...found].filter((name) => !own.has(name)).sort()
}

function subjectOfRange(range: RangeVar): string {
  const { schemaname, relname = '' } = range
  return schemaname === undefined || schemaname === 'public' ? relname : `${schemaname}.${relname}`
}

/** What a statement would have brought or changed, by name: for one that could not run. */
export function objectsOf(tree: Node | null): readonly ObjectReference[] {
  const [type, body] = Object.entries(tree ?? {})[0] ?? []
  if (type === undefined || !isNode(body)) return []
  return READERS[type]?.(body) ?? []
}

type Reader = (body: Node) => readonly ObjectReference[]

function reference(kind: ObjectReference['kind'], range: unknown, name?: unknown): readonly ObjectReference[] {
  if (!isNode(range) || typeof range['relname'] !== 'string') return []
  const schema = typeof range['schemaname'] === 'string' ? range['schemaname'] : 'public'
  const own = name === undefined ? range['relname'] : name
  return typeof own === 'string' ? [{ kind, schema, group: range['relname'], name: own }] : []
}

/** A qualified name as a list of String nodes. */
function named(kind: ObjectReference['kind'], list: unknown): readonly ObjectReference[] {
  const parts = (Array.isArray(list) ? list : []).map((part: unknown) =>
    isNode(part) && isNode(part['String']) ? part['String']['sval'] : undefined,
  )
  const name = parts.at(-1)
  if (typeof name !== 'string') return []
  const schema = parts.length > 1 ? String(parts[0]) : 'public'
  return [{ kind, schema, group: name, name }]
}

const READERS: Readonly<Record<string, Reader>> = {
  CreateStmt: (body) => [...reference('table', body['relation']), ...columnsOf(body)],
  CreateForeignTableStmt: (body) => (isNode(body['base']) ? reference('table', body['base']['relation']) : []),
  CreateTableAsStmt: (body) => {
    const into = isNode(body['into']) ? body['into']['rel'] : undefined
    return reference(body['objtype'] === 'OBJECT_MATVIEW' ? 'view' : 'table', into)
  },
  ViewStmt: (body) => reference('view', body['view']),
  IndexStmt: (body) => reference('index', body['relation'], body['idxname']),
  CreateTrigStmt: (body) => reference('trigger', body['relation'], body['trigname']),
  CreatePolicyStmt: (body) => reference('policy', body['table'], body['policy_name']),
  CreateSeqStmt: (body) => reference('sequence', body['sequence']),
  CreateEnumStmt: (body) => named('type', body['typeName']),
  CreateDomainStmt: (body) => named('type', body['domainname']),
  CreateRangeStmt: (body) => named('type', body['typeName']),
  CompositeTypeStmt: (body) => reference('type', body['typevar']),
  CreateFunctionStmt: (body) => named('routine', body['funcname']),
  CreateExtensionStmt: (body) =>
    typeof body['extname'] === 'string'
      ? [{ kind: 'extension', schema: '', group: body['extname'], name: body['extname'] }]
      : [],
  AlterTableStmt: (body) => {
    const commands = Array.isArray(body['cmds']) ? body['cmds'] : []
    return commands.flatMap((command: unknown) =>
      alteredBy(body['relation'], isNode(command) ? command['AlterTableCmd'] : undefined),
    )
  },
}

function columnsOf(body: Node): readonly ObjectReference[] {
  const elements = Array.isArray(body['tableElts']) ? body['tableElts'] : []
  return elements.flatMap((element: unknown) => {
    const column = isNode(element) && isNode(element['ColumnDef']) ? element['ColumnDef']['colname'] : undefined
    return column === undefined ? [] : reference('column', body['relation'], column)
  })
}

function alteredBy(relation: unknown, command: unknown): readonly ObjectReference[] {
  if (!isNode(command)) return []
  const definition = isNode(command['def']) ? command['def'] : {}
  const column = isNode(definition['ColumnDef']) ? definition['ColumnDef']['colname'] : undefined
  const constraint = isNode(definition['Constraint']) ? definition['Constraint']['conname'] : undefined
  if (command['subtype'] === 'AT_AddColumn') return reference('column', relation, column)
  if (constraint !== undefined) return reference('constraint', relation, constraint)
  if (typeof command['name'] === 'string' && /Column|Default|NotNull/.test(String(command['subtype'])))
    return reference('column', relation, command['name'])
  return reference('table', relation)
}
