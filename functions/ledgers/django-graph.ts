/** What Django's migrations stand on. Pure. */
import type { FileProblem } from './ledger.ts'

export interface DjangoKey {
  readonly app: string
  readonly name: string
  readonly line: number
}

export interface DjangoNode {
  readonly app: string
  readonly name: string
  readonly key: string
  readonly file: string
  readonly line: number
  readonly digest: string
  readonly doubt: string | undefined
  readonly dependencies: readonly DjangoKey[]
  readonly runBefore: readonly DjangoKey[]
  readonly replaces: readonly string[]
}

/** A migration that is not in the repository and that something in it names. */
interface NamedMigration {
  readonly key: string
  readonly file: string
  readonly line: number
}

export interface DjangoGraph {
  readonly nodes: readonly (DjangoNode & { readonly after: readonly string[] })[]
  readonly named: readonly NamedMigration[]
  readonly problems: readonly FileProblem[]
}

/** @param outside Labels of installed apps whose migrations are elsewhere. */
export function linked(input: {
  readonly nodes: readonly DjangoNode[]
  readonly first: readonly NamedMigration[]
  readonly outside: ReadonlySet<string>
}): DjangoGraph {
  const nodes = [...input.nodes].sort((a, b) => (a.key < b.key ? -1 : 1))
  const byKey = new Map(nodes.map((node) => [node.key, node]))
  const apps = new Set(nodes.map(({ app }) => app))
  const replaced = new Set(nodes.flatMap(({ replaces }) => replaces))
  const named = new Map(input.first.map((one) => [one.key, one]))
  const problems: FileProblem[] = [...conflicts(nodes, replaced)]
  const ends = endsOf(nodes)
  const resolve = (node: DjangoNode, { app, name, line }: DjangoKey): string | null => {
    if (name === '__first__' || name === '__latest__') {
      if (app === node.app) return null
      // Of Django's own apps the first one is known, and it is among the named ones.
      return (
        ends.get(app)?.[name] ??
        (name === '__first__' && named.has(`${app}.0001_initial`) ? `${app}.0001_initial` : null)
      )
    }
    const key = `${app}.${name}`
    if (byKey.has(key) || replaced.has(key)) return key
    if (!apps.has(app)) {
      if (!named.has(key)) named.set(key, { key, file: node.file, line })
      return key
    }
    const message = `${node.key} stands on ${key}, which is no migration of the release, and Django refuses to start: bring its file back, or correct \`dependencies\``
    problems.push({ file: node.file, line, message })
    return null
  }
  const after = new Map(nodes.map((node) => [node.key, new Set<string>()]))
  for (const node of nodes) {
    for (const parent of node.dependencies) {
      const key = resolve(node, parent)
      if (key !== null) after.get(node.key)?.add(key)
    }
    for (const child of node.runBefore) {
      const key = resolve(node, child)
      if (key !== null) after.get(key)?.add(node.key)
    }
  }
  return {
    nodes: nodes.map((node) => ({ ...node, after: [...(after.get(node.key) ?? [])].sort() })),
    named: [...named.values()].sort((a, b) => rankOf(a.key) - rankOf(b.key)),
    problems,
  }
}

/** After every run Django writes its content types, and permissions of them: the tables of these come before all others. */
function rankOf(key: string): number {
  const at = ['contenttypes', 'auth'].indexOf(key.slice(0, key.indexOf('.')))
  return at < 0 ? 2 : at
}

/** What `__first__` and `__latest__` mean of each app: the first, by name, that stands on none of its own, and on which none does. */
function endsOf(
  nodes: readonly DjangoNode[],
): ReadonlyMap<string, { readonly __first__: string | undefined; readonly __latest__: string | undefined }> {
  const apps = new Map<string, DjangoNode[]>()
  for (const node of nodes) {
    const own = apps.get(node.app)
    if (own === undefined) apps.set(node.app, [node])
    else own.push(node)
  }
  return new Map(
    [...apps].map(([app, own]) => {
      const root = own.find(
        (node) => !node.dependencies.some((parent) => parent.app === app && !parent.name.startsWith('__')),
      )
      return [app, { __first__: root?.key, __latest__: leavesOf(own)[0]?.key }]
    }),
  )
}

function leavesOf(own: readonly DjangoNode[]): readonly DjangoNode[] {
  const parents = new Set(own.flatMap(({ dependencies }) => dependencies.map(({ app, name }) => `${app}.${name}`)))
  return own.filter(({ key }) => !parents.has(key))
}

/** Two branches of an app that nobody merged. Which squash is used, the database decides: apps with one are left out. */
function conflicts(nodes: readonly DjangoNode[], replaced: ReadonlySet<string>): readonly FileProblem[] {
  return [...new Set(nodes.map(({ app }) => app))].flatMap((app) => {
    const own = nodes.filter((node) => node.app === app)
    const leaves = leavesOf(own)
    const [first, second] = leaves
    const squashed = own.some(({ key, replaces }) => replaces.length > 0 || replaced.has(key))
    if (first === undefined || second === undefined || squashed) return []
    const names = leaves.map(({ name }) => name).join(', ')
    const message = `${app} ends in ${leaves.length} migrations (${names}), and Django refuses to migrate: merge them with \`python manage.py makemigrations --merge\``
    return [{ file: second.file, line: second.line, message }]
  })
}
