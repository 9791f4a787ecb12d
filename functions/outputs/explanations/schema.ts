import { KINDS, type ObjectKind } from '../../core/catalog.ts'
import type { NextStep } from '../../core/finding.ts'
import type { Explanation, GroupExplanations } from './explanation.ts'

const COMPARE: NextStep = {
  text: 'see whether another environment has it',
  command: 'npx deploywatch check --env staging',
}
const AGAIN: NextStep = { text: 'look again', command: 'npx deploywatch check --env ENV' }
const NEW_MIGRATION: NextStep = {
  text: 'bring it back with a new migration; the ledger counts the old one as done, so running the tool again does nothing',
  command: null,
}

const GONE_BY_HAND = 'it was dropped or renamed by hand, or by another service, after the migration had run'
const COUNTED_NOT_RUN =
  'the migration is only marked as run (`resolve --applied`, `--fake`, `force`, a baseline) and its statements never were'
const OTHER_SCHEMA =
  'it was made in another schema: the `search_path` of the migration role is not that of the application'

/** What a missing object means is alike for every kind; what breaks, how it is lost and how it is seen is its own. */
function missing(
  kind: ObjectKind,
  own: { readonly breaks: string; readonly causes: readonly string[]; readonly look: string },
): Explanation {
  const { noun } = KINDS[kind]
  return {
    title: `the release expects ${/^[aei]/u.test(noun) ? 'an' : 'a'} ${noun} that is not there`,
    meaning: `The ledger counts as applied what should have brought this ${noun}, or nothing in the ledger explains its absence: the rows are not enough, the objects count. ${own.breaks}`,
    causes: [...own.causes, GONE_BY_HAND, COUNTED_NOT_RUN],
    steps: [{ text: 'look for it', command: `psql "$DATABASE_URL" -c '${own.look}'` }, COMPARE, NEW_MIGRATION],
  }
}

export const SCHEMA_EXPLANATIONS: GroupExplanations<'schema'> = {
  'table-missing': missing('table', {
    breaks: 'Every statement that names it fails with 42P01 ("relation does not exist").',
    causes: [OTHER_SCHEMA],
    look: '\\dt *.TABLE',
  }),
  'column-missing': missing('column', {
    breaks:
      'Every statement that names it fails with 42703 ("column does not exist"), also `INSERT` and `RETURNING` of an ORM that lists all columns.',
    causes: ['the table was made earlier under the same name, and `CREATE TABLE IF NOT EXISTS` left it as it was'],
    look: '\\d TABLE',
  }),
  'column-differs': {
    title: 'a column is not as the release expects it',
    meaning:
      'Type, nullability, default, identity, generation or collation differ; the finding says which. A narrower type or a missing default breaks writes, a nullable column lets through what the code does not expect, another collation changes order and equality.',
    causes: [
      'it was changed by hand, or by a migration of another service or branch',
      '`ADD COLUMN IF NOT EXISTS` left an older column of that name as it was',
      'a later step (a default, `SET NOT NULL`) failed or was left out here',
    ],
    steps: [
      { text: 'see the column as it is', command: `psql "$DATABASE_URL" -c '\\d+ TABLE'` },
      COMPARE,
      {
        text: 'bring it into line with a new migration; a change of type may rewrite the whole table under an exclusive lock',
        command: null,
      },
      AGAIN,
    ],
  },
  'index-missing': missing('index', {
    breaks:
      'Nothing fails at once; queries turn slow with the volume of the table, and a missing unique index lets duplicates in and breaks `ON CONFLICT`.',
    causes: ['it was dropped to speed up a load, and never made again'],
    look: '\\d TABLE',
  }),
  'index-invalid': {
    title: 'an index exists, but Postgres does not use it',
    meaning:
      'The index is marked invalid: it costs every write and serves no query, and an invalid unique index does not keep duplicates out for what was there before. It is what a failed `CREATE INDEX CONCURRENTLY` or `REINDEX CONCURRENTLY` leaves behind.',
    causes: [
      'building it was cancelled, timed out or met a deadlock',
      'a unique index met duplicates',
      'it is being built right now: then look again when that has ended',
    ],
    steps: [
      {
        text: 'see whether it is being built',
        command: `psql "$DATABASE_URL" -c 'SELECT pid, phase, blocks_done, blocks_total FROM pg_stat_progress_create_index'`,
      },
      {
        text: 'where not, remove the duplicates if it is unique, then build it anew',
        command: `psql "$DATABASE_URL" -c 'REINDEX INDEX CONCURRENTLY INDEX_NAME'`,
      },
      AGAIN,
    ],
  },
  'constraint-missing': missing('constraint', {
    breaks:
      'Nothing fails at once: rows come in that the code takes for impossible, and `ON CONFLICT` without its unique constraint fails with 42P10.',
    causes: ['it was dropped for a load or a repair of data, and never put back'],
    look: '\\d TABLE',
  }),
  'constraint-invalid': {
    title: 'a constraint holds for new rows only',
    meaning:
      'The constraint exists as NOT VALID, or is not enforced: rows from before were never checked, so the data may contradict it. The release expects it validated.',
    causes: [
      'the second step, `VALIDATE CONSTRAINT`, was never run here, or failed on old rows',
      'it was added as NOT VALID by hand, to avoid the lock',
    ],
    steps: [
      {
        text: 'validate it (reads the table, blocks no writes); if that fails, the message names the rule that old rows break',
        command: `psql "$DATABASE_URL" -c 'ALTER TABLE TABLE_NAME VALIDATE CONSTRAINT CONSTRAINT_NAME'`,
      },
      { text: 'else mend those rows, then validate again', command: null },
      AGAIN,
    ],
  },
  'enum-value-missing': {
    title: 'an enum lacks a value that the release uses',
    meaning:
      'The type exists without this label. Writing it fails with 22P02 ("invalid input value for enum"), and so does every comparison with it.',
    causes: [
      '`ALTER TYPE ... ADD VALUE` has not run here, or was rolled back with its transaction',
      'a type of that name existed before, and creating it was skipped',
      COUNTED_NOT_RUN,
    ],
    steps: [
      { text: 'see its labels', command: `psql "$DATABASE_URL" -c '\\dT+ TYPE'` },
      {
        text: 'add it with a new migration; the label cannot be used in the transaction that adds it',
        command: `psql "$DATABASE_URL" -c "ALTER TYPE TYPE_NAME ADD VALUE IF NOT EXISTS 'LABEL'"`,
      },
      AGAIN,
    ],
  },
  'view-missing': missing('view', {
    breaks: 'Every statement that reads it fails with 42P01. Materialized views count as views here.',
    causes: ['a migration dropped it to change a table below it (`DROP ... CASCADE`), and did not make it again'],
    look: '\\dv *.VIEW',
  }),
  'routine-missing': missing('routine', {
    breaks:
      'Calls fail with 42883 ("function does not exist"), and so does every trigger, default or policy that uses it. Argument types are part of the name.',
    causes: ['it exists with other argument types, which is another routine', OTHER_SCHEMA],
    look: '\\df *.ROUTINE',
  }),
  'sequence-missing': missing('sequence', {
    breaks: '`nextval` on it fails with 42P01, so every insert that relies on it fails.',
    causes: ['the table was copied or restored without its sequences'],
    look: '\\ds *.SEQUENCE',
  }),
  'trigger-missing': missing('trigger', {
    breaks:
      'Nothing fails: what it maintains (an audit row, a search column, `updated_at`) is silently no longer written.',
    causes: ['it was dropped for a load, or with the table that was made anew'],
    look: '\\d TABLE',
  }),
  'extension-missing': {
    title: 'the release expects an extension that is not installed',
    meaning:
      'The types, functions and operators of the extension are not in this database: installing is done per database, and being offered by the server is not enough. What uses them is listed as consequences.',
    causes: [
      'the migration role may not create extensions here, and that step was left to someone by hand',
      'the server does not offer it: another major version, or a managed service without it',
      'it was installed in another database of the cluster',
    ],
    steps: [
      {
        text: 'see whether the server offers it',
        command: `psql "$DATABASE_URL" -c "SELECT name, default_version, installed_version FROM pg_available_extensions WHERE name = 'EXTENSION'"`,
      },
      {
        text: 'install it, as a role that may (on RDS: a member of rds_superuser)',
        command: `psql "$DATABASE_URL" -c 'CREATE EXTENSION IF NOT EXISTS "EXTENSION"'`,
      },
      AGAIN,
    ],
  },
  'policy-missing': missing('policy', {
    breaks:
      'With row security on, a missing permissive policy hides rows, and a missing restrictive one shows rows that nobody should see.',
    causes: ['row security was set up by hand in one environment only'],
    look: '\\d TABLE',
  }),
  'type-missing': missing('type', {
    breaks:
      'Casts and columns that name it fail with 42704 ("type does not exist"). Enums, domains, composite and range types are meant.',
    causes: [OTHER_SCHEMA],
    look: '\\dT *.TYPE',
  }),
  'grant-missing': {
    title: 'the role of the application lacks a privilege',
    meaning:
      'The role in `schema.role` does not have in effect (directly, by membership or by PUBLIC) a privilege that the migrations give it or its statements need. The application fails with 42501 ("permission denied"), often only on one path.',
    causes: [
      'the grant is in no migration: it was given by hand in lower environments',
      'the object was made anew, or by another owner, so that default privileges did not apply',
      'the application connects here as another role than `schema.role` says',
    ],
    steps: [
      { text: 'see who may what', command: `psql "$DATABASE_URL" -c '\\dp TABLE'` },
      {
        text: 'grant it, best in a migration',
        command: `psql "$DATABASE_URL" -c 'GRANT SELECT ON TABLE_NAME TO ROLE_NAME'`,
      },
      {
        text: 'for tables to come',
        command: `psql "$DATABASE_URL" -c 'ALTER DEFAULT PRIVILEGES FOR ROLE MIGRATION_ROLE IN SCHEMA public GRANT SELECT ON TABLES TO ROLE_NAME'`,
      },
      AGAIN,
    ],
  },
  'object-differs': {
    title: 'an object exists under its name, and is not as the release expects it',
    meaning:
      'An index, constraint, view, routine, trigger, policy, type or sequence has another definition, or a table another row security, persistence or partitioning. The finding shows both.',
    causes: [
      'it was changed by hand, and the change never became a migration',
      '`IF NOT EXISTS` left an older one of that name as it was',
      'a service that shares the database owns it too',
      'the definition is worded otherwise by another server major: add that major to `schema.replay.versions`',
    ],
    steps: [
      { text: 'see it as it is', command: `psql "$DATABASE_URL" -c '\\d+ NAME'` },
      COMPARE,
      {
        text: "bring environment and migrations together with a new migration, or list it under `schema.ignore` where it is not this service's",
        command: null,
      },
      AGAIN,
    ],
  },
  'object-unexpected': {
    title: 'an object exists that no migration of the release brings',
    meaning:
      'With `schema.match: exact`, what is there and not expected is an error. With `subset`, the default, it would not be reported.',
    causes: [
      'it was made by hand: a trial index, a backup table, a fix under pressure',
      'another service keeps its objects in the same schema',
      'a migration that should drop it has not done so, or a newer release has migrated already',
    ],
    steps: [
      { text: 'see what it is and who owns it', command: `psql "$DATABASE_URL" -c '\\d+ NAME'` },
      { text: 'make it a migration, drop it with one, or list it under `schema.ignore`', command: null },
      { text: 'where others share the schema, set `schema.match: subset`', command: null },
      AGAIN,
    ],
  },
  'schema-changed': {
    title: 'the schema is no longer what it was at the last good look',
    meaning:
      'Between two looks at the same release something ran DDL: an object appeared, differs or is gone, also one that `schema.match: subset` does not report. The verdict does not change by it: what the release lacks is an error of its own. The finding is one a table, with the time of the last good look and of the look that saw the change first. It is told until it is undone, or until a release passes its watch there, which takes over what it finds.',
    causes: [
      'someone worked by hand, perhaps on another incident',
      'another service that shares the schema was deployed',
      'a job makes partitions or temporary work tables outside `schema.ignore`',
    ],
    steps: [
      {
        text: 'ask who did: the log of the server has it where `log_statement` is `ddl`',
        command: `psql "$DATABASE_URL" -c 'SHOW log_statement'`,
      },
      { text: 'undo it, or put it into a migration', command: null },
      { text: 'where a job does so regularly, list its objects under `schema.ignore`', command: null },
      AGAIN,
    ],
  },
}
