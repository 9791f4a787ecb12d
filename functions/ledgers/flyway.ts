/** Flyway: `flyway_schema_history`. Research: SqlMigrationResolver, DbMigrate, MigrationInfoServiceImpl; run with 13.12. */
import { shellWord } from '../core/paste.ts'
import type { Migration } from '../core/release.ts'
import { interpretFlyway, versionOf } from './flyway-history.ts'
import type { FlywayName } from './flyway-files.ts'
import { compareVersions, flywayChecksum, normalVersion, parseFlywayName, replacePlaceholders } from './flyway-files.ts'
import type { FlywaySettings } from './flyway-settings.ts'
import { readFlywaySettings } from './flyway-settings.ts'
import type { FileProblem, LedgerReader, ProjectFiles } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { sha256 } from './migration-text.ts'
import { joinPath, trimFolder, upwards } from './project-files.ts'
import type { LedgerColumns } from './recognise.ts'
import { BOOLEAN, INTEGER, recogniseColumns, requiredColumns, TEXT, TIME } from './recognise.ts'
import { splitStatements } from './sql-statements.ts'

const COLUMNS: LedgerColumns = {
  installed_rank: { type: INTEGER },
  version: { type: TEXT },
  description: { type: TEXT },
  type: { type: TEXT },
  script: { type: TEXT },
  checksum: { type: INTEGER },
  installed_by: { type: TEXT, optional: true },
  installed_on: { type: TIME, optional: true },
  execution_time: { type: INTEGER, optional: true },
  success: { type: BOOLEAN },
}

export const flywayLedger = {
  name: 'flyway',
  title: 'Flyway',
  defaultTable: { schema: null, table: 'flyway_schema_history' },
  columnSets: [{ columns: requiredColumns(COLUMNS) }],
  recognise: (table) => recogniseColumns(table, COLUMNS, /flyway|schema_version/i),
  read: { columns: Object.keys(COLUMNS), orderBy: ['installed_rank'], incidental: ['installed_by', 'execution_time'] },
  beside: () => [],
  interpret: ({ rows, migrations }) => interpretFlyway(rows, migrations),
} as const satisfies LedgerReader

export const flyway = /* @__PURE__ */ defineTool(flywayLedger, {
  detect: async (project, path) => {
    const names = (await project.list(path)).filter((file) => (parseFlywayName(file)?.prefix ?? 'U') !== 'U')
    const [first] = names
    if (first === undefined) return null
    const build = await findBuild(project, path)
    const evidence = `${first} has Flyway's form of name${names.length > 1 ? `, and ${names.length - 1} more` : ''}`
    if (build === null) return { evidence, confidence: 'likely' }
    return { evidence: `${evidence}; ${build.file} is Flyway's or uses it`, confidence: 'certain' }
  },
  discover: async (project, settings) => {
    const own = await readFlywaySettings(project, settings)
    const { migrations, problems, notes } = await listMigrations(project, own)
    const build = await findBuild(project, settings.path)
    const run =
      build?.run ?? ((words) => `flyway -locations=filesystem:${shellWord(trimFolder(settings.path))} ${words}`)
    const migrate = run('migrate')
    const table =
      own.table === null && own.defaultSchema === null
        ? null
        : { schema: own.defaultSchema, table: own.table ?? 'flyway_schema_history' }
    return {
      migrations,
      problems,
      table,
      commands: {
        // Its own settings have the address, in JDBC's form.
        addressIn: null,
        migrate,
        migrateLate: own.outOfOrder ? migrate : (build?.late ?? `${migrate} -outOfOrder=true`),
        repair: run('repair'),
        record: { command: build?.baseline ?? `${run('baseline')} -baselineVersion=KEY`, each: false },
      },
      late: own.outOfOrder ? 'runs' : 'refuses',
      placeholders: own.placeholders,
      schemas: own.schemas,
      notes,
    }
  },
  script: (migration, text, settings) => {
    if (migration.form === 'code') return null
    // A replay runs the versions that it stands for: to run it after them would make everything twice.
    if (migration.kind === 'baseline') return { statements: [] }
    const values = { ...BUILT_IN, ...settings.placeholders }
    return { statements: splitStatements(replacePlaceholders(text, values)) }
  },
  ledgerDdl: `CREATE TABLE flyway_schema_history (installed_rank INT NOT NULL, version VARCHAR(50),
  description VARCHAR(200) NOT NULL, type VARCHAR(20) NOT NULL, script VARCHAR(1000) NOT NULL, checksum INTEGER,
  installed_by VARCHAR(100) NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT now(), execution_time INTEGER NOT NULL,
  success BOOLEAN NOT NULL, CONSTRAINT flyway_schema_history_pk PRIMARY KEY (installed_rank));
CREATE INDEX flyway_schema_history_s_idx ON flyway_schema_history (success)`,
  facts: {
    tried: '13.12',
    order: 'yes: with `outOfOrder` a late one is told as such',
    edit: 'yes: line ends and a byte order mark do not count, as with Flyway',
    failure: 'yes: where Flyway keeps the row; on PostgreSQL a failed migration is rolled back with it',
    duration: 'yes',
    cannotTell: 'what a Java migration does, and a repeatable whose placeholders are not configured',
    configure:
      'the folder of `flyway.locations`; placeholders that are not in its config go into `migrations.placeholders`',
  },
})

/** Values that Flyway has at hand while it runs; fixed, so that a replay gives the same twice. */
const BUILT_IN = {
  'flyway:defaultSchema': 'public',
  'flyway:user': 'postgres',
  'flyway:database': 'postgres',
  'flyway:timestamp': '2000-01-01 00:00:00',
  'flyway:table': 'flyway_schema_history',
}

interface Listed {
  readonly migrations: readonly Migration[]
  readonly problems: readonly FileProblem[]
  readonly notes: readonly string[]
}

async function listMigrations(project: ProjectFiles, settings: FlywaySettings): Promise<Listed> {
  const found = new Map<string, Migration>()
  const problems: FileProblem[] = []
  const notes: string[] = []
  for (const folder of settings.locations) {
    for (const file of await project.list(folder)) {
      const name = parseFlywayName(file)
      const problem = name === null ? nameProblem(file) : null
      if (problem !== null) problems.push({ file, line: 1, message: problem })
      // Undo scripts are no migrations: to replay one would drop what its namesake made.
      if (name === null || name.prefix === 'U') continue
      const text = (await project.read(file)) ?? Buffer.alloc(0)
      const migration = migrationOf(file, folder, name, text, settings)
      const twin = found.get(migration.key)
      if (twin === undefined) found.set(migration.key, migration)
      else
        problems.push({
          file,
          line: 1,
          message: `${name.version ?? name.description} is ${twin.file}'s already: Flyway refuses to run, rename one`,
        })
      const missing = unresolved(text.toString('utf8'), settings)
      if (missing !== null && name.form === 'sql') notes.push(unresolvedNote(file, missing, name))
    }
  }
  return { migrations: sortMigrations([...found.values()]), problems, notes }
}

/** A name that begins like a version and is none: Flyway passes over it in silence unless validateMigrationNaming is on. */
function nameProblem(file: string): string | null {
  const name = file.slice(file.lastIndexOf('/') + 1)
  if (!/^[vV]\d.*\.sql$/i.test(name)) return null
  return `${name} is not run: Flyway wants V, a version, two underscores and a description, as in V2__${name.replace(/^[vV][\d._]*/, '').replace(/^[-_]+/, '') || 'name.sql'}`
}

function migrationOf(
  file: string,
  folder: string,
  name: FlywayName,
  bytes: Buffer,
  settings: FlywaySettings,
): Migration {
  const version = name.version === null ? null : normalVersion(name.version)
  const kind = name.prefix === 'V' ? 'versioned' : name.prefix === 'R' ? 'repeatable' : 'baseline'
  return {
    subject: folder === '' ? file : file.slice(folder.length + 1),
    key: name.prefix === 'V' ? (version ?? '') : `${name.prefix}:${version ?? name.description}`,
    kind,
    file,
    checksums: name.form === 'code' ? [] : checksumsOf(bytes.toString('utf8'), kind, file, settings),
    digest: sha256(bytes),
    form: name.form === 'sql' ? 'sql' : 'code',
  }
}

/**
 * A repeatable is hashed with its placeholders replaced, and accepted without. Where a value is unknown there is no
 * checksum to compare with: better none than a false "changed".
 */
function checksumsOf(text: string, kind: Migration['kind'], file: string, settings: FlywaySettings): readonly string[] {
  const raw = flywayChecksum(text)
  if (kind !== 'repeatable' || !settings.replacesPlaceholders || !text.includes('${')) return [raw]
  if (unresolved(text, settings) !== null) return []
  return [...new Set([flywayChecksum(replacePlaceholders(text, valuesFor(file, settings))), raw])]
}

function valuesFor(file: string, settings: FlywaySettings): Readonly<Record<string, string>> {
  return {
    'flyway:table': settings.table ?? 'flyway_schema_history',
    'flyway:filename': file.slice(file.lastIndexOf('/') + 1),
    ...settings.placeholders,
  }
}

/** The first placeholder without a value, or null. */
function unresolved(text: string, settings: FlywaySettings): string | null {
  if (!settings.replacesPlaceholders) return null
  return /\$\{[^}]+\}/.exec(replacePlaceholders(text, valuesFor('', settings)))?.[0] ?? null
}

function unresolvedNote(file: string, placeholder: string, name: FlywayName): string {
  const set = placeholder.startsWith('${flyway:')
    ? ''
    : `: set it under \`migrations.placeholders\` in deploywatch.yaml`
  const effect =
    name.prefix === 'R' ? 'whether its text has changed since it ran is not judged' : 'it is replayed as it stands'
  return `${file} uses ${placeholder}, whose value is not known here, so ${effect}${set}`
}

/** Versioned ones by version, a baseline after its equal; then repeatables by description, as Java orders strings. */
function sortMigrations(migrations: readonly Migration[]): readonly Migration[] {
  const baselines = migrations.filter(({ kind }) => kind === 'baseline')
  const highest = baselines.sort((a, b) => compareVersions(versionOf(a), versionOf(b))).at(-1)
  const versioned = migrations.filter(({ kind }) => kind === 'versioned')
  const repeatable = migrations.filter(({ kind }) => kind === 'repeatable').sort((a, b) => (a.key < b.key ? -1 : 1))
  const listed = [...versioned, ...(highest === undefined ? [] : [baselineOf(highest, versioned)])].sort(
    (a, b) => compareVersions(versionOf(a), versionOf(b)) || (a === highest ? 1 : -1),
  )
  return [...listed, ...repeatable]
}

/** Where the versions that it stands for are gone from the repository, a baseline is the first of the versioned ones. */
function baselineOf(baseline: Migration, versioned: readonly Migration[]): Migration {
  const stands = versioned.some((other) => compareVersions(versionOf(other), versionOf(baseline)) <= 0)
  return stands ? baseline : { ...baseline, kind: 'versioned' }
}

/** How this repository runs Flyway: by its config file, Maven or Gradle; null where nothing says so. */
async function findBuild(
  project: ProjectFiles,
  path: string,
): Promise<{
  readonly file: string
  readonly run: (words: string) => string
  readonly late: string | null
  readonly baseline: string | null
} | null> {
  const goal = (words: string): string => `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`
  for (const folder of upwards(path)) {
    const has = async (name: string): Promise<string> =>
      (await project.read(joinPath(folder, name)))?.toString('utf8') ?? ''
    for (const name of ['flyway.toml', 'flyway.conf', 'conf/flyway.toml', 'conf/flyway.conf']) {
      const file = joinPath(folder, name)
      const where = name.startsWith('conf/') || folder !== '' ? ` -configFiles=${shellWord(file)}` : ''
      if ((await project.read(file)) !== null)
        return { file, run: (words) => `flyway${where} ${words}`, late: null, baseline: null }
    }
    if ((await has('pom.xml')).includes('flyway')) {
      return {
        file: joinPath(folder, 'pom.xml'),
        run: (words) => `mvn flyway:${words}`,
        late: 'mvn flyway:migrate -Dflyway.outOfOrder=true',
        baseline: 'mvn flyway:baseline -Dflyway.baselineVersion=KEY',
      }
    }
    for (const name of ['build.gradle', 'build.gradle.kts']) {
      if ((await has(name)).includes('flyway')) {
        return {
          file: joinPath(folder, name),
          run: (words) => `./gradlew flyway${goal(words)}`,
          late: './gradlew flywayMigrate -Dflyway.outOfOrder=true',
          baseline: './gradlew flywayBaseline -Dflyway.baselineVersion=KEY',
        }
      }
    }
  }
  return null
}
