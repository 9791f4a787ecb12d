/** sqitch: `changes` and what stands beside it in the registry's schema. Research: the sources named in its other files; run with 1.3.1. */
import { shellWord } from '../core/paste.ts'
import type { LedgerTableName } from '../core/release.ts'
import type { LedgerReader, ProjectFiles, Script } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { optionValue, programRuns } from './program-runs.ts'
import type { LedgerColumns } from './recognise.ts'
import { recogniseColumns, requiredColumns, TEXT, TIME } from './recognise.ts'
import type { SqitchPlace } from './sqitch-config.ts'
import { findSqitch } from './sqitch-config.ts'
import { listChanges } from './sqitch-files.ts'
import { interpretSqitch } from './sqitch-rows.ts'

const REGISTRY = 'sqitch'
const TABLE = 'changes'
const COLUMNS: LedgerColumns = {
  change_id: { type: TEXT },
  // Since registries of version 1.1.
  script_hash: { type: TEXT, optional: true },
  change: { type: TEXT },
  project: { type: TEXT },
  note: { type: TEXT },
  committed_at: { type: TIME },
  committer_name: { type: TEXT },
  committer_email: { type: TEXT },
  planned_at: { type: TIME },
  planner_name: { type: TEXT },
  planner_email: { type: TEXT },
}

export const sqitchLedger = {
  name: 'sqitch',
  title: 'sqitch',
  defaultTable: { schema: REGISTRY, table: TABLE },
  columnSets: [
    { columns: requiredColumns(COLUMNS) },
    { columns: ['event', 'change_id', 'change', 'project', 'committed_at', 'planned_at'] },
    { columns: ['tag_id', 'tag', 'project', 'change_id', 'committed_at', 'planned_at'] },
    { columns: ['change_id', 'type', 'dependency', 'dependency_id'] },
    { columns: ['project', 'uri', 'created_at', 'creator_name', 'creator_email'] },
    { columns: ['version', 'installed_at', 'installer_name', 'installer_email'] },
  ],
  recognise: (table) => recogniseColumns(table, COLUMNS, /^changes$/),
  read: {
    columns: Object.keys(COLUMNS),
    orderBy: ['committed_at', 'change_id'],
    incidental: ['committer_name', 'committer_email'],
  },
  commonNames: true,
  beside: ({ schema }) =>
    ['events', 'tags', 'dependencies', 'projects', 'releases'].map((table) => ({ schema, table })),
  interpret: interpretSqitch,
} as const satisfies LedgerReader

export const sqitch = /* @__PURE__ */ defineTool(sqitchLedger, {
  detect: async (project, path) => {
    const place = await findSqitch(project, path)
    return place === null ? null : { evidence: `${place.plan} is a plan of sqitch`, confidence: 'certain' }
  },
  discover: async (project, settings) => {
    const place = await findSqitch(project, settings.path)
    const { migrations, scripts, problems, foreign } =
      place === null ? NOTHING : await listChanges(project, place, settings.placeholders)
    const run = commandOf(place)
    const deploy = run('deploy')
    return {
      migrations,
      scripts,
      problems,
      table: place === null ? null : await registryOf(project, settings.path, place),
      commands: {
        // The target of that name has settings which its address alone would not have.
        addressIn: place?.target != null || place?.ownsSettings === true ? null : 'SQITCH_TARGET',
        migrate: deploy,
        // It goes on after the change deployed last.
        migrateLate: null,
        // There is no failed state.
        repair: null,
        record: { command: run('deploy --log-only --to-change NAME'), each: false },
      },
      late: 'refuses',
      placeholders: { ...place?.variables, ...settings.placeholders },
      schemas: [],
      notes: place === null ? [] : [...foreignNotes(foreign), ...placeNotes(place)],
    }
  },
  // `discover` gives what runs: scripts of psql may include others.
  script: () => null,
  // Without the keys between them, which no script minds.
  ledgerDdl: `CREATE SCHEMA IF NOT EXISTS sqitch;
CREATE TABLE sqitch.releases (version real PRIMARY KEY, installed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  installer_name text NOT NULL, installer_email text NOT NULL);
CREATE TABLE sqitch.projects (project text PRIMARY KEY, uri text UNIQUE, created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  creator_name text NOT NULL, creator_email text NOT NULL);
CREATE TABLE sqitch.changes (change_id text PRIMARY KEY, script_hash text, change text NOT NULL, project text NOT NULL,
  note text NOT NULL DEFAULT '', committed_at timestamptz NOT NULL DEFAULT clock_timestamp(), committer_name text NOT NULL,
  committer_email text NOT NULL, planned_at timestamptz NOT NULL, planner_name text NOT NULL, planner_email text NOT NULL,
  UNIQUE (project, script_hash));
CREATE TABLE sqitch.tags (tag_id text PRIMARY KEY, tag text NOT NULL, project text NOT NULL, change_id text NOT NULL,
  note text NOT NULL DEFAULT '', committed_at timestamptz NOT NULL DEFAULT clock_timestamp(), committer_name text NOT NULL,
  committer_email text NOT NULL, planned_at timestamptz NOT NULL, planner_name text NOT NULL, planner_email text NOT NULL,
  UNIQUE (project, tag));
CREATE TABLE sqitch.dependencies (change_id text NOT NULL, type text NOT NULL, dependency text NOT NULL, dependency_id text,
  PRIMARY KEY (change_id, dependency));
CREATE TABLE sqitch.events (event text NOT NULL, change_id text NOT NULL, change text NOT NULL, project text NOT NULL,
  note text NOT NULL DEFAULT '', requires text[] NOT NULL DEFAULT '{}', conflicts text[] NOT NULL DEFAULT '{}',
  tags text[] NOT NULL DEFAULT '{}', committed_at timestamptz NOT NULL DEFAULT clock_timestamp(), committer_name text NOT NULL,
  committer_email text NOT NULL, planned_at timestamptz NOT NULL, planner_name text NOT NULL, planner_email text NOT NULL,
  PRIMARY KEY (change_id, committed_at))`,
  facts: {
    tried: '1.3.1',
    order:
      'yes: an id is made of its line in the plan and of all before it, so that a plan that was changed above what is deployed is told at the first change; sqitch then refuses to run',
    edit: 'yes: by the hash of the deploy script, which registries since sqitch 0.998 keep',
    failure: 'yes: the last event of a change that is not deployed is `fail`',
    duration: 'no: the ledger does not record it',
    cannotTell: 'whether a change ran or was only recorded (`--log-only`)',
    configure:
      'the folder of `sqitch.plan`, the plan itself, or a folder above it whose `sqitch.conf` names it; variables that are given with `--set` go into `migrations.placeholders`; where targets have registries of different names, `migrations.table` (`registry.changes`)',
  },
})

const NOTHING = { migrations: [], scripts: new Map<string, Script>(), problems: [], foreign: [] }

/** null: nothing says where it is. */
async function registryOf(
  project: ProjectFiles,
  path: string,
  { conf, registry }: SqitchPlace,
): Promise<LedgerTableName | null> {
  const runs = await programRuns(project, path, 'sqitch')
  const named = new Set(runs.map(({ words }) => optionValue(words, ['--registry'])).filter((one) => one !== null))
  const [option] = named
  if (named.size === 1 && option !== undefined) return { schema: option, table: TABLE }
  if (conf === null || registry === undefined || named.size > 0) return null
  return { schema: registry ?? REGISTRY, table: TABLE }
}

/** In the folder of sqitch.conf: its paths are those of the folder in which it is run. */
function commandOf(place: SqitchPlace | null): (words: string) => string {
  if (place === null) return (words) => `sqitch ${words}`
  const enter = place.base === '' ? '' : `cd ${shellWord(place.base)} && `
  const target = place.target === null ? '' : ` --target ${shellWord(place.target)}`
  return (words) => {
    const [verb = '', ...rest] = words.split(' ')
    return `${enter}sqitch ${[`${verb}${target}`, ...rest].join(' ')}`
  }
}

function foreignNotes(foreign: readonly string[]): readonly string[] {
  if (foreign.length === 0) return []
  return [`changes require ${foreign.join(', ')} of another project: sqitch deploys them only where that is deployed`]
}

function placeNotes({ conf, others, registry }: SqitchPlace): readonly string[] {
  return [
    ...(others.length === 0
      ? []
      : [`${conf ?? ''} also names ${others.join(', ')}: each plan is a migrations folder of its own`]),
    ...(registry === undefined
      ? [
          `${conf ?? ''} gives the targets of this plan different registries: set \`migrations.table\` to the one that is meant, as in REGISTRY.${TABLE}`,
        ]
      : []),
  ]
}
