/** Alembic's revisions: read from the variables at the top of each file. Rules as in alembic/script/revision.py of 1.20.1. */
import type { Migration } from '../core/release.ts'
import type { AlembicConfig } from './alembic-config.ts'
import type { FileProblem, ProjectFiles } from './ledger.ts'
import { inOrder } from './migration-order.ts'
import { sha256 } from './migration-text.ts'
import { folderOf } from './project-files.ts'
import type { PythonFile } from './python-project.ts'
import { readPython } from './python-project.ts'
import { stringsOf } from './python-scope.ts'

/** Script._list_py_dir: what begins with `.#` or `__init__` is none. */
const FILE = /^(?!\.#|__init__).*\.py$/
/** Before Alembic 0.2 the file was the revision. */
const LEGACY = /^([a-f0-9]+)\.py$/

export interface Revisions {
  readonly migrations: readonly Migration[]
  readonly problems: readonly FileProblem[]
  /** Revisions on which no other one stands. */
  readonly heads: readonly string[]
}

interface Revision {
  readonly key: string
  readonly subject: string
  readonly file: PythonFile
  /** Null: computed. */
  readonly down: readonly string[] | null
  readonly depends: readonly string[] | null
  readonly labels: readonly string[]
  readonly doubt: string | undefined
}

export async function listRevisionFiles(
  project: ProjectFiles,
  { folders, recursive }: Pick<AlembicConfig, 'folders' | 'recursive'>,
): Promise<readonly { readonly file: string; readonly subject: string }[]> {
  const found = new Map<string, string>()
  for (const folder of folders) {
    for (const file of await project.list(folder)) {
      const name = file.slice(file.lastIndexOf('/') + 1)
      const isThere = recursive || folderOf(file) === folder
      const subject = folder === '' ? file : file.slice(folder.length + 1)
      if (isThere && FILE.test(name) && !found.has(file)) found.set(file, subject)
    }
  }
  return [...found].map(([file, subject]) => ({ file, subject }))
}

export async function readRevisions(project: ProjectFiles, config: AlembicConfig): Promise<Revisions> {
  const problems: FileProblem[] = []
  const revisions = new Map<string, Revision>()
  const subjects = new Set<string>()
  for (const { file, subject } of await listRevisionFiles(project, config)) {
    const read = await readPython(project, file)
    // Two locations may have files of one name.
    const named = subjects.has(subject) ? file : subject
    const revision = read === null ? null : revisionOf(read, named, problems)
    if (revision === null) continue
    subjects.add(named)
    const twin = revisions.get(revision.key)
    if (twin === undefined) revisions.set(revision.key, revision)
    else {
      const message = `revision ${revision.key} is in ${twin.file.file} too, and Alembic takes whichever it reads last: give one of them another id`
      problems.push({ file, line: 1, message })
      revisions.set(revision.key, { ...twin, doubt: message })
    }
  }
  return linked([...revisions.values()], problems)
}

function revisionOf(read: PythonFile, subject: string, problems: FileProblem[]): Revision | null {
  const { file, scope } = read
  const written = scope.get('revision')
  const [, legacy] = LEGACY.exec(file.slice(file.lastIndexOf('/') + 1)) ?? []
  if (written === undefined && legacy === undefined) {
    const message = `${subject} has no \`revision\`, and Alembic refuses to start with it: write one, or move the file out of the folder`
    problems.push({ file, line: 1, message })
    return null
  }
  const key = written === undefined ? legacy : written.kind === 'string' ? written.value : undefined
  const down = stringsOf(scope.get('down_revision'))
  const depends = stringsOf(scope.get('depends_on'))
  const computed = [
    ...(key === undefined ? ['revision'] : []),
    ...(down === null ? ['down_revision'] : []),
    ...(depends === null ? ['depends_on'] : []),
  ]
  const doubt =
    computed.length === 0
      ? undefined
      : `\`${computed.join('` and `')}\` of ${subject} is computed: write it as a string`
  if (doubt !== undefined) problems.push({ file, line: written?.line ?? 1, message: doubt })
  const labels = stringsOf(scope.get('branch_labels')) ?? []
  return { key: key ?? file, subject, file: read, down, depends, labels, doubt }
}

/** With what each stands on, in order. */
function linked(revisions: readonly Revision[], problems: FileProblem[]): Revisions {
  const keys = new Set(revisions.map(({ key }) => key))
  const labels = new Map(revisions.flatMap((revision) => revision.labels.map((label) => [label, revision.key])))
  const nodes = revisions.map((revision) => {
    const { file, subject } = revision
    const names = [...(revision.down ?? []), ...(revision.depends ?? []).map((name) => labels.get(name) ?? name)]
    const absent = names.find((name) => !keys.has(name))
    let { doubt } = revision
    if (absent !== undefined) {
      doubt = `${subject} stands on ${absent}, which is no revision here, and Alembic refuses to start: bring its file back, or correct the id`
      problems.push({ file: file.file, line: lineOf(file, absent), message: doubt })
    }
    return { ...revision, doubt, after: [...new Set(names.filter((name) => keys.has(name)))] }
  })
  const { nodes: ordered, circle } = inOrder(nodes)
  const message = `${circle.join(', ')} stand on each other in a circle, and Alembic refuses to start: correct their \`down_revision\``
  const first = ordered.find(({ key }) => circle.includes(key))
  if (first !== undefined) problems.push({ file: first.file.file, line: 1, message })
  const below = new Set(ordered.flatMap(({ down }) => down ?? []))
  return {
    migrations: ordered.map((node) => migrationOf(node, circle.includes(node.key) ? message : node.doubt)),
    problems,
    heads: ordered.map(({ key }) => key).filter((key) => !below.has(key)),
  }
}

function lineOf({ scope }: PythonFile, name: string): number {
  const written = [scope.get('down_revision'), scope.get('depends_on')]
  return written.find((value) => stringsOf(value)?.includes(name) === true)?.line ?? 1
}

function migrationOf(
  { key, subject, file, after }: Revision & { readonly after: readonly string[] },
  doubt: string | undefined,
): Migration {
  return {
    subject,
    key,
    kind: 'versioned',
    file: file.file,
    checksums: [],
    digest: sha256(file.bytes),
    form: 'code',
    after,
    ...(doubt === undefined ? {} : { doubt }),
  }
}
