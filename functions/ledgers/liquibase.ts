/** Liquibase: `databasechangelog` and its lock. Research: the sources named in its other files; run with 4.4.0, 4.20.0, 4.28.0 and 5.0.4. */
import { shellWord } from '../core/paste.ts'
import type { LedgerReader, ProjectFiles } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { listChangesets } from './liquibase-files.ts'
import type { RootChangelog } from './liquibase-roots.ts'
import { findRoots, isChangelog } from './liquibase-roots.ts'
import { interpretLiquibase } from './liquibase-rows.ts'
import type { LiquibaseSettings } from './liquibase-settings.ts'
import { readSettings } from './liquibase-settings.ts'
import { folderOf, joinPath, trimFolder, upwards } from './project-files.ts'
import type { LedgerColumns } from './recognise.ts'
import { INTEGER, recogniseColumns, requiredColumns, TEXT, TIME } from './recognise.ts'

const COLUMNS: LedgerColumns = {
  id: { type: TEXT },
  author: { type: TEXT },
  filename: { type: TEXT },
  dateexecuted: { type: TIME },
  orderexecuted: { type: INTEGER },
  exectype: { type: TEXT },
  md5sum: { type: TEXT },
  description: { type: TEXT, optional: true },
  comments: { type: TEXT, optional: true },
  tag: { type: TEXT, optional: true },
  liquibase: { type: TEXT, optional: true },
  contexts: { type: TEXT, optional: true },
  labels: { type: TEXT, optional: true },
  deployment_id: { type: TEXT, optional: true },
}
const LOCK_COLUMNS = ['id', 'locked', 'lockgranted', 'lockedby']

export const liquibaseLedger = {
  name: 'liquibase',
  title: 'Liquibase',
  defaultTable: { schema: null, table: 'databasechangelog' },
  columnSets: [{ columns: requiredColumns(COLUMNS) }, { columns: LOCK_COLUMNS }],
  recognise: (table) => recogniseColumns(table, COLUMNS, /databasechangelog|liquibase/i),
  read: { columns: Object.keys(COLUMNS), orderBy: ['orderexecuted', 'id'], incidental: ['liquibase', 'deployment_id'] },
  beside: ({ schema, table }) => [{ schema, table: `${table}${/[a-z]/.test(table) ? 'lock' : 'LOCK'}` }],
  interpret: interpretLiquibase,
} as const satisfies LedgerReader

export const liquibase = /* @__PURE__ */ defineTool(liquibaseLedger, {
  detect: async (project, path) => {
    const own = trimFolder(path)
    const files = (await project.read(own)) === null ? await project.list(own) : [own]
    for (const file of files) {
      if (await isChangelog(project, file))
        return { evidence: `${file} is a changelog of Liquibase`, confidence: 'certain' }
    }
    const settings = await readSettings(project, { path, placeholders: {}, table: null })
    const [root] = settings.changelog === null ? [] : (await findRoots(project, path, settings)).roots
    if (root === undefined) return null
    return { evidence: `${settings.file ?? ''} names ${root.file} as Liquibase's changelog`, confidence: 'certain' }
  },
  discover: async (project, settings) => {
    const own = await readSettings(project, settings)
    const found = await findRoots(project, settings.path, own)
    const { migrations, scripts, problems, notes } = await listChangesets(project, found, own)
    const run = await commandOf(project, settings.path, found.roots[0], own)
    return {
      migrations,
      scripts,
      problems,
      table: own.table,
      commands: {
        // Its own settings have the address, in JDBC's form.
        addressIn: null,
        migrate: run('update'),
        // It runs whatever has no row, whatever its place.
        migrateLate: run('update'),
        // There is no failed state.
        repair: null,
        // `changelog-sync` records all that is pending, not one.
        record: null,
      },
      late: 'runs',
      placeholders: own.parameters,
      schemas: own.schemas,
      notes,
    }
  },
  // Several changesets are in one file, and one may name another: `discover` gives what runs.
  script: () => null,
  ledgerDdl: `CREATE TABLE databasechangelog (id varchar(255) NOT NULL, author varchar(255) NOT NULL, filename varchar(255) NOT NULL,
  dateexecuted timestamp NOT NULL, orderexecuted integer NOT NULL, exectype varchar(10) NOT NULL, md5sum varchar(35),
  description varchar(255), comments varchar(255), tag varchar(255), liquibase varchar(20), contexts varchar(255),
  labels varchar(255), deployment_id varchar(10));
CREATE TABLE databasechangeloglock (id integer NOT NULL PRIMARY KEY, locked boolean NOT NULL, lockgranted timestamp, lockedby varchar(255))`,
  facts: {
    tried: '4.4.0, 4.20.0, 4.28.0 and 5.0.4',
    order: 'yes: a late one is run',
    edit: 'yes: of changesets that are SQL, by the rule of the checksum’s own version (8 or 9); modelled changes (createTable …) are not verifiable',
    failure: 'no: a failed changeset leaves no row; a lock that a killed run left is seen',
    duration: 'no: the ledger does not record it',
    cannotTell:
      'whether a changeset ran or was only recorded (changelog-sync); one with a context that the repository does not say to be run, until one of that context has run; one whose preconditions have CONTINUE, until it has run',
    configure:
      'the root changelog, or a folder that holds it; parameters that are not in the repository go into `migrations.placeholders`, contexts into liquibase.properties',
  },
})

/** How this repository runs Liquibase: by Maven, Gradle, or its own command line from the folder of its properties. */
async function commandOf(
  project: ProjectFiles,
  path: string,
  root: RootChangelog | undefined,
  { file, isSpring, roots, changelog }: LiquibaseSettings,
): Promise<(words: string) => string> {
  for (const folder of upwards(path)) {
    const has = async (name: string): Promise<string> =>
      (await project.read(joinPath(folder, name)))?.toString('utf8') ?? ''
    if ((await has('pom.xml')).includes('liquibase-maven-plugin'))
      return (words) => `mvn${folder === '' ? '' : ` -f ${shellWord(joinPath(folder, 'pom.xml'))}`} liquibase:${words}`
    const gradle = `${await has('build.gradle')}\n${await has('build.gradle.kts')}`
    if (/liquibase[.-]gradle|id\s*\(?\s*["']org\.liquibase/.test(gradle)) return (words) => `./gradlew ${words}`
  }
  const home = file === null || isSpring ? '' : folderOf(file)
  const enter = home === '' ? '' : `cd ${shellWord(home)} && `
  if (changelog !== null && !isSpring) return (words) => `${enter}liquibase ${words}`
  const search = roots.find((one) => one !== '' && one !== home && root?.file.startsWith(`${one}/`) === true)
  const option = search === undefined ? '' : ` --search-path=${shellWord(search)}`
  return (words) => `${enter}liquibase${option} --changelog-file=${shellWord(root?.path ?? path)} ${words}`
}
