/** Django's migrations of a project: read from the class in each file. Rules as in django/db/migrations/loader.py of 5.2 and 6.0. */
import type { Migration } from '../core/release.ts'
import type { DjangoApp, DjangoApps, OutsideApp } from './django-apps.ts'
import { isMigrationName } from './django-apps.ts'
import type { DjangoNode } from './django-graph.ts'
import { linked } from './django-graph.ts'
import type { DjangoSettings } from './django-settings.ts'
import type { FileProblem, ProjectFiles } from './ledger.ts'
import { inOrder } from './migration-order.ts'
import { sha256 } from './migration-text.ts'
import { folderOf } from './project-files.ts'
import { readPython } from './python-project.ts'
import type { PythonScope } from './python-scope.ts'
import { classBody, itemsOf, scopeOf } from './python-scope.ts'
import type { PythonValue } from './python-values.ts'

/** Django's own apps that have migrations, each with the first of them; the others, and how many there are, depend on the version. */
const OWN = new Set(['admin', 'auth', 'contenttypes', 'flatpages', 'redirects', 'sessions', 'sites'])

export async function readMigrations(
  project: ProjectFiles,
  settings: DjangoSettings,
  { apps, outside }: Pick<DjangoApps, 'apps' | 'outside'>,
): Promise<{ readonly migrations: readonly Migration[]; readonly problems: readonly FileProblem[] }> {
  const problems: FileProblem[] = []
  const nodes: DjangoNode[] = []
  for (const app of apps) {
    for (const file of settings.modules.files) {
      const name = file.slice(app.folder.length + 1, -3)
      const isIts = folderOf(file) === app.folder && file.endsWith('.py') && isMigrationName(name)
      const node = isIts ? await readNode(project, settings, app, { file, name }, problems) : null
      if (node !== null) nodes.push(node)
    }
  }
  const first = outside
    .filter(isOwn)
    .map((app) => ({ key: `${app.label}.0001_initial`, file: app.file, line: app.line }))
  const graph = linked({ nodes, first, outside: new Set(outside.map(({ label }) => label)) })
  const { nodes: ordered, circle } = inOrder(graph.nodes)
  const one = graph.nodes.find(({ key }) => circle.includes(key))
  if (one !== undefined) {
    const message = `${circle.join(', ')} stand on each other in a circle, and Django refuses to start: correct their \`dependencies\``
    problems.push({ file: one.file, line: one.line, message })
  }
  return {
    migrations: [...graph.named.map(namedMigration), ...ordered.map(migrationOf)],
    problems: [...problems, ...graph.problems],
  }
}

export function isOwn({ name, label }: Pick<OutsideApp, 'name' | 'label'>): boolean {
  return name.startsWith('django.contrib.') && OWN.has(label)
}

async function readNode(
  project: ProjectFiles,
  settings: DjangoSettings,
  app: DjangoApp,
  { file, name }: { readonly file: string; readonly name: string },
  problems: FileProblem[],
): Promise<DjangoNode | null> {
  const read = await readPython(project, file)
  if (read === null) return null
  const found = classBody(read.statements, 'Migration')
  if (found === null && !read.statements.some(({ tokens }) => tokens.some(({ text }) => text === 'Migration'))) {
    problems.push({
      file,
      line: 1,
      message: `${file} has no class Migration, and Django refuses to start with it: write one, or call the file _${name}.py`,
    })
    return null
  }
  const scope: PythonScope = found === null ? new Map() : scopeOf(found.body, read.scope)
  const keysOf = (list: string): DjangoNode['dependencies'] => {
    const { keys, computed } = migrationKeys(scope.get(list), settings)
    if (computed || (found === null && list === 'dependencies')) {
      const message = `\`${list}\` of ${app.label}.${name} is computed, so that its place cannot be told: write it as a list`
      problems.push({ file, line: scope.get(list)?.line ?? 1, message })
    }
    return keys
  }
  return {
    app: app.label,
    name,
    key: `${app.label}.${name}`,
    file,
    line: found?.line ?? 1,
    digest: sha256(read.bytes),
    doubt: app.doubt,
    dependencies: keysOf('dependencies'),
    runBefore: keysOf('run_before'),
    replaces: keysOf('replaces').map((other) => `${other.app}.${other.name}`),
  }
}

/** `[('app', 'name'), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]` */
function migrationKeys(
  value: PythonValue | undefined,
  settings: DjangoSettings,
): { readonly keys: DjangoNode['dependencies']; readonly computed: boolean } {
  if (value === undefined) return { keys: [], computed: false }
  const { items, maybe, computed } = itemsOf(value)
  const keys = items.flatMap((item) => {
    const { line } = item
    if (item.kind === 'list') {
      const [app, name] = item.items
      return app?.kind === 'string' && name?.kind === 'string' ? [{ app: app.value, name: name.value, line }] : []
    }
    if (item.kind !== 'call' || !/(?:^|\.)swappable_dependency$/.test(item.name)) return []
    const label = swappableLabel(item.items[0], settings)
    return label === null ? [] : [{ app: label, name: '__first__', line }]
  })
  return { keys, computed: computed || maybe.length > 0 || keys.length < items.length }
}

/** The app of the model that a setting names: `AUTH_USER_MODEL = "users.User"`. */
function swappableLabel(value: PythonValue | undefined, settings: DjangoSettings): string | null {
  const setting = value?.kind === 'name' ? value.name.replace(/^.*\./, '') : null
  const model = setting === null ? value : settings.value(setting)
  if (model?.kind === 'string') return model.value.split('.')[0] ?? null
  return model === undefined && setting === 'AUTH_USER_MODEL' ? 'auth' : null
}

function migrationOf(node: DjangoNode & { readonly after: readonly string[] }): Migration {
  const { key, file, line, digest, after, replaces, doubt } = node
  return {
    subject: key,
    key,
    kind: 'versioned',
    file,
    checksums: [],
    digest,
    form: 'code',
    line,
    after,
    ...(replaces.length === 0 ? {} : { replaces }),
    ...(doubt === undefined ? {} : { doubt }),
  }
}

/** One that the repository only names: it has no `after`, since what it stands on is not known. */
function namedMigration({
  key,
  file,
  line,
}: {
  readonly key: string
  readonly file: string
  readonly line: number
}): Migration {
  return { subject: key, key, kind: 'versioned', file, checksums: [], digest: sha256(key), form: 'code', line }
}
