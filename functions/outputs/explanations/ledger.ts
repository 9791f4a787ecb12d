import type { GroupExplanations } from './explanation.ts'

export const LEDGER_EXPLANATIONS: GroupExplanations<'ledger'> = {
  'migration-missing': {
    title: 'a migration of the release has not run in this environment',
    meaning:
      'The migration is in the release, and the ledger of this database does not have it. Code that needs its objects fails as soon as it is live. The objects that it would have brought are listed under this one finding. A repeatable migration that is new or changed is missing too, until it has run again.',
    causes: [
      'the pipeline of this environment has no migration step, or skips it under a condition; a green pipeline says nothing about it',
      'the migration step ran against another database, schema or cluster',
      'the step ran from an older image or commit, which does not have the file',
      'an earlier migration failed, and the tool stopped before this one',
    ],
    steps: [
      { text: 'see whether another environment has it', command: 'npx deploywatch check --env staging' },
      {
        text: 'see which jobs of the pipeline migrate, and under which conditions',
        command: 'grep -rn -i migrat .github/workflows',
      },
      { text: 'run the command that the finding names against this environment', command: null },
      { text: 'confirm it, before the deployment', command: 'npx deploywatch check --env ENV' },
    ],
  },
  'migration-skipped': {
    title: 'a migration was passed over: a later one has run',
    meaning:
      'A versioned migration has not run, though one that comes later in the order of the tool has. Whether the tool still runs it depends on the tool: Prisma, Knex and Drizzle 1.x run it late; Flyway and goose refuse until told otherwise; Drizzle 0.x and golang-migrate never run it and never say so, because they only look at what is newer than their mark.',
    causes: [
      'two branches: the one with the older timestamp or number was merged last',
      'a hotfix was released from another branch, with a newer migration',
      'golang-migrate `force`, or a baseline, was set beyond it',
    ],
    steps: [
      { text: 'Flyway: allow it once', command: 'flyway migrate -outOfOrder=true' },
      { text: 'goose: allow it once', command: 'goose up --allow-missing' },
      {
        text: 'Drizzle 0.x and golang-migrate: give it a new, highest number (Drizzle: a newer `when` in `meta/_journal.json`) and make it harmless where it has run already (`IF NOT EXISTS`), then release that',
        command: null,
      },
      { text: 'renumber migrations at merge, and let CI check', command: 'npx deploywatch check --env staging' },
    ],
  },
  'migration-failed': {
    title: 'a migration began and did not end well',
    meaning:
      'The ledger says failed, dirty, or half applied. Some of its statements may have had their effect, and most tools run nothing more until it is cleared. A state that says "running" looks the same when its process has died.',
    causes: [
      'a statement was refused by the data: a duplicate, a null, a value that does not fit',
      'a lock or statement timeout, or the job was killed while it ran',
      'a statement that cannot run in a transaction (`CREATE INDEX CONCURRENTLY`) stopped half way',
    ],
    steps: [
      { text: 'read the error in the log of the last migration run, and mend what it names', command: null },
      { text: 'Flyway: remove the failed row', command: 'flyway repair' },
      { text: 'Prisma: say that it is undone', command: 'npx prisma migrate resolve --rolled-back MIGRATION' },
      {
        text: 'golang-migrate: undo what it did by hand, then set the version before it',
        command: 'migrate -path DIR -database "$DATABASE_URL" force VERSION',
      },
      { text: 'run the migrations again, then confirm', command: 'npx deploywatch check --env ENV' },
    ],
  },
  'migration-edited': {
    title: 'what was applied is not the text of the release',
    meaning:
      'The checksum in the ledger is not that of the file. The environment may have other objects than the file describes, and a fresh database will differ from this one. Flyway and Liquibase refuse to go on; others run on in silence. Tools that keep no checksum cannot show this.',
    causes: [
      'the file was edited after it had run here, often to mend a typing error or to make it pass elsewhere',
      'line endings: a checkout with CRLF changes the checksum of tools that hash bytes',
      'two branches had a file of the same version, and the other one ran here',
    ],
    steps: [
      { text: 'see what was changed since', command: 'git log -p --follow -- FILE' },
      { text: 'put the old text back, and bring the difference as a new migration', command: null },
      { text: 'where both texts mean the same, accept the new one (Flyway)', command: 'flyway repair' },
    ],
  },
  'migration-unknown': {
    title: 'the ledger has a migration that the release does not',
    meaning:
      'Something ran here that is not in this release. That is normal while an older release is deployed or rolled back, so it does not change the verdict; the finding says where the tool itself would refuse to run.',
    causes: [
      'a newer release, or another branch, has migrated this database',
      'the file was renamed or removed after it had run',
      'migrations were squashed, and the old rows stayed',
    ],
    steps: [
      { text: 'see whether any commit knows it', command: "git log --all --oneline -- '*NAME*'" },
      {
        text: 'when you roll back, check the old release against the present schema',
        command: 'npx deploywatch check --env ENV --release OLD.json',
      },
    ],
  },
  'ledger-missing': {
    title: 'the table in which the tool notes what has run is not there',
    meaning:
      'No table of this database has the columns of the ledger, under its default name or the configured one. Either no migration has ever run here, or this is the wrong database.',
    causes: [
      'the environment is new, and its pipeline has no migration step',
      'the config names another database or schema than the migration job uses',
      'the ledger has a name or schema of its own that the config does not say',
    ],
    steps: [
      { text: 'see which databases and schemas there are', command: `psql "$DATABASE_URL" -c '\\l' -c '\\dn'` },
      { text: 'where the ledger has another name, set `migrations.table` in deploywatch.yaml', command: null },
      { text: 'else run the migrations, then confirm', command: 'npx deploywatch check --env ENV' },
    ],
  },
  'ledger-ambiguous': {
    title: 'which ledger counts, or what it says, cannot be told',
    meaning:
      'Several tables fit, or the ledger cannot answer: Alembic, for example, keeps only its heads, and when its row is not in the release nobody can say what ran before. Nothing is guessed here, so nothing is judged.',
    causes: [
      'a second tool or service keeps its ledger in the same database',
      'a restored backup or an old schema has a copy of the table',
      'the tool was changed, and its old ledger stayed',
      'the tool may leave a migration out by a rule of its own (contexts, preconditions of Liquibase): what it would have brought need not be here',
    ],
    steps: [
      { text: 'name the right one: `migrations.table` in deploywatch.yaml', command: null },
      {
        text: 'where two services or tools share the database, list each under `migrations:` with a name of its own',
        command: null,
      },
      { text: 'look again', command: 'npx deploywatch check --env ENV' },
    ],
  },
  'ledger-locked': {
    title: "the migration tool's lock is held",
    meaning:
      'The lock table says that a migration run is under way, or that one died and left its lock behind. What the ledger says may change while it is read, so it is not judged.',
    causes: [
      'migrations are running right now',
      'a migration job was killed, and its lock row stayed (Knex, Liquibase)',
    ],
    steps: [
      {
        text: 'see whether a run is alive',
        command: `psql "$DATABASE_URL" -c "SELECT pid, usename, application_name, state, xact_start FROM pg_stat_activity WHERE state <> 'idle'"`,
      },
      { text: 'where none is alive, release it: Knex', command: 'npx knex migrate:unlock' },
      { text: 'Liquibase', command: 'liquibase release-locks' },
      { text: 'look again', command: 'npx deploywatch check --env ENV' },
    ],
  },
  'migrate-unconfirmed': {
    title: 'the migration was run, and is not confirmed',
    meaning:
      '`deploywatch migrate`, or `MigrateThenDeploy`, ran the migration and looked again: what it was to bring is still missing, or the run itself failed. An exit code of 0 is no proof: do not deploy on it.',
    causes: [
      'the command reached another database than the one that is looked at',
      'it ran in a container or folder that does not have the new files',
      'it only printed what it would do (a dry run), or has no pending migration by its own count',
      'it failed half way, was interrupted, or still runs: in the background, or past the hour that CloudFormation waits',
    ],
    steps: [
      { text: 'compare the address in the output of the command with `environments.ENV.database`', command: null },
      { text: 'see where the migration did arrive', command: 'npx deploywatch check --env staging' },
      {
        text: 'correct the command, then run it again: where the schema is confirmed by then it is not run a second time',
        command: 'npx deploywatch migrate --env ENV -- COMMAND',
      },
      { text: 'or deploy the stack again: a run that is under way is joined', command: null },
    ],
  },
  'expectation-empty': {
    title: 'the release expects nothing, so nothing could be wrong',
    meaning:
      'No migration, object or statement was found in the release. A check that has nothing to compare would pass every database; that is taken for the mistake that it nearly always is.',
    causes: [
      '`migrations.path` points to a folder without migrations, or the build ran in another folder',
      'the image or artifact was built without the migrations (`.dockerignore`, a missing COPY)',
      'the files are not named as the tool wants them, so that none counts',
    ],
    steps: [
      { text: 'see what is there', command: 'ls -R MIGRATIONS_FOLDER' },
      { text: 'build the manifest again and read how many migrations it found', command: 'npx deploywatch build' },
      { text: 'let the tool and the folder be detected anew', command: 'npx deploywatch init' },
    ],
  },
  'replay-failed': {
    title: 'what a migration brings could not be computed',
    meaning:
      'The expected schema comes from running the migrations on a throwaway server. This one could not run there, so the objects that it brings, and what depends on them, are not judged. The rest is. It says nothing against the environment.',
    causes: [
      'it needs an extension that the throwaway server does not have (pg_cron, aws_s3, PostGIS)',
      'it is code (goose `.go`, Flyway Java), which cannot be run as SQL',
      'it relies on a beginning that is in no migration: a baselined database, a role, a table made by hand',
    ],
    steps: [
      { text: 'give what comes before the first migration: `schema.replay.before: [FILE.sql]`', command: null },
      { text: 'for code, let the tool itself run: `schema.replay.mode: command` with `command:`', command: null },
      {
        text: 'else take the schema of an environment (`mode: environment`), or list the objects under `schema.ignore`',
        command: null,
      },
      { text: 'build again', command: 'npx deploywatch build' },
    ],
  },
}
