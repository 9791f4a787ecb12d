/**
 * The commands that run migrations, and those that only look like it. One row a tool; the words are what stands behind the
 * program, options left out.
 */

interface MigrationCommand {
  /** As `migrations.tool` of the config names it. */
  readonly tool: string
  /** Basenames of the program. */
  readonly programs: readonly string[]
  /** Words with which it migrates, one after the other; '' for the program alone. */
  readonly migrates: readonly string[]
  /** Words that look like it, and with which nothing is migrated: they end up in messages. */
  readonly alike: readonly string[]
  /** Options with which it only says what it would do, or writes the ledger without running anything. */
  readonly dry?: readonly string[]
  /** What a project without own scripts runs: what is suggested. */
  readonly command: string
}

export const MIGRATION_COMMANDS: readonly MigrationCommand[] = [
  {
    tool: 'flyway',
    programs: ['flyway'],
    migrates: ['migrate'],
    alike: ['info', 'validate', 'check', 'baseline', 'repair', 'clean'],
    dry: ['-dryRunOutput', '-skipExecutingMigrations=true'],
    command: 'flyway migrate',
  },
  {
    tool: 'flyway',
    programs: ['mvn', 'mvnw', 'gradle', 'gradlew'],
    migrates: ['flyway:migrate', 'flywayMigrate'],
    alike: ['flyway:info', 'flyway:validate', 'flywayInfo', 'flywayValidate'],
    command: 'mvn flyway:migrate',
  },
  {
    tool: 'liquibase',
    programs: ['liquibase'],
    migrates: ['update', 'update-count', 'update-to-tag', 'updateCount', 'updateToTag'],
    alike: [
      'status',
      'validate',
      'update-sql',
      'updateSQL',
      'diff',
      'changelog-sync',
      'generate-changelog',
      'future-rollback-sql',
    ],
    command: 'liquibase update',
  },
  {
    tool: 'liquibase',
    programs: ['mvn', 'mvnw', 'gradle', 'gradlew'],
    migrates: ['liquibase:update'],
    alike: ['liquibase:status', 'liquibase:updateSQL'],
    command: 'mvn liquibase:update',
  },
  {
    tool: 'prisma',
    programs: ['prisma', 'prisma2'],
    migrates: ['migrate deploy'],
    alike: [
      'generate',
      'db push',
      'db pull',
      'migrate status',
      'migrate diff',
      'migrate resolve',
      'migrate dev',
      'validate',
    ],
    command: 'npx prisma migrate deploy',
  },
  {
    tool: 'drizzle',
    programs: ['drizzle-kit'],
    migrates: ['migrate'],
    alike: ['generate', 'push', 'check', 'up', 'introspect', 'pull', 'export'],
    command: 'npx drizzle-kit migrate',
  },
  {
    tool: 'knex',
    programs: ['knex'],
    migrates: ['migrate:latest', 'migrate:up'],
    alike: ['migrate:status', 'migrate:list', 'migrate:currentVersion', 'migrate:make', 'seed:run', 'migrate:unlock'],
    command: 'npx knex migrate:latest',
  },
  {
    tool: 'typeorm',
    programs: ['typeorm', 'typeorm-ts-node-commonjs', 'typeorm-ts-node-esm'],
    migrates: ['migration:run'],
    alike: ['migration:show', 'migration:generate', 'migration:create', 'schema:sync', 'schema:log'],
    dry: ['--fake', '-f'],
    command: 'npx typeorm migration:run -d dist/data-source.js',
  },
  {
    tool: 'sequelize',
    programs: ['sequelize', 'sequelize-cli'],
    migrates: ['db:migrate'],
    alike: ['db:migrate:status', 'db:migrate:schema:timestamps:add', 'db:create', 'migration:generate'],
    command: 'npx sequelize-cli db:migrate',
  },
  {
    tool: 'node-pg-migrate',
    programs: ['node-pg-migrate'],
    migrates: ['up'],
    alike: ['create', 'down'],
    dry: ['--fake'],
    command: 'npx node-pg-migrate up',
  },
  {
    tool: 'kysely',
    programs: ['kysely', 'kysely-ctl'],
    migrates: ['migrate:latest', 'migrate:up', 'migrate latest', 'migrate up'],
    alike: ['migrate:list', 'migrate list', 'migrate:make', 'migrate make'],
    command: 'npx kysely migrate:latest',
  },
  {
    tool: 'mikro-orm',
    programs: ['mikro-orm', 'mikro-orm-esm'],
    migrates: ['migration:up'],
    alike: ['migration:check', 'migration:list', 'migration:pending', 'migration:create', 'schema:update'],
    command: 'npx mikro-orm migration:up',
  },
  {
    tool: 'dbmate',
    programs: ['dbmate'],
    migrates: ['up', 'migrate'],
    alike: ['status', 'new', 'dump', 'wait', 'create'],
    command: 'dbmate up',
  },
  {
    tool: 'golang-migrate',
    programs: ['migrate'],
    migrates: ['up', 'goto'],
    alike: ['version', 'create', 'force'],
    command: 'migrate -path migrations -database "$DATABASE_URL" up',
  },
  {
    tool: 'goose',
    programs: ['goose'],
    migrates: ['up', 'up-to', 'up-by-one'],
    alike: ['status', 'version', 'create', 'fix', 'validate'],
    command: 'goose up',
  },
  {
    tool: 'atlas',
    programs: ['atlas'],
    migrates: ['migrate apply'],
    alike: ['migrate status', 'migrate lint', 'migrate diff', 'migrate validate', 'migrate hash', 'schema inspect'],
    command: 'atlas migrate apply --url "$DATABASE_URL"',
  },
  {
    tool: 'sqitch',
    programs: ['sqitch'],
    migrates: ['deploy'],
    alike: ['status', 'verify', 'plan', 'log', 'check'],
    dry: ['--log-only'],
    command: 'sqitch deploy',
  },
  {
    tool: 'rails',
    programs: ['rails', 'rake'],
    migrates: ['db:migrate', 'db:prepare', 'db:migrate:primary', 'db:migrate:with_data'],
    alike: ['db:migrate:status', 'db:version', 'db:abort_if_pending_migrations', 'db:schema:dump', 'db:create'],
    dry: ['--dry-run', '-n', '-T', '-P'],
    command: 'bin/rails db:migrate',
  },
  {
    tool: 'django',
    programs: ['manage.py', 'django-admin'],
    migrates: ['migrate'],
    alike: ['makemigrations', 'showmigrations', 'sqlmigrate', 'check', 'squashmigrations', 'collectstatic'],
    dry: ['--plan', '--check', '--fake'],
    command: 'python manage.py migrate --noinput',
  },
  {
    tool: 'alembic',
    programs: ['alembic'],
    migrates: ['upgrade'],
    alike: ['current', 'check', 'history', 'heads', 'stamp', 'revision'],
    dry: ['--sql'],
    command: 'alembic upgrade head',
  },
  {
    tool: 'alembic',
    programs: ['flask'],
    migrates: ['db upgrade'],
    alike: ['db current', 'db check', 'db stamp', 'db migrate', 'db revision'],
    dry: ['--sql'],
    command: 'flask db upgrade',
  },
  {
    tool: 'supabase',
    programs: ['supabase'],
    migrates: ['db push', 'migration up'],
    alike: ['migration list', 'db diff', 'db lint', 'db pull', 'gen types'],
    command: 'npx supabase db push',
  },
  {
    tool: 'graphile-migrate',
    programs: ['graphile-migrate'],
    migrates: ['migrate'],
    alike: ['status', 'watch', 'commit', 'compile'],
    command: 'npx graphile-migrate migrate',
  },
  {
    tool: 'ecto',
    programs: ['mix'],
    migrates: ['ecto.migrate'],
    alike: ['ecto.migrations', 'ecto.gen.migration', 'ecto.create', 'ecto.dump'],
    command: 'mix ecto.migrate',
  },
  {
    tool: 'laravel',
    programs: ['artisan'],
    migrates: ['migrate'],
    alike: ['migrate:status', 'migrate:install', 'make:migration', 'schema:dump'],
    dry: ['--pretend'],
    command: 'php artisan migrate --force',
  },
  {
    tool: 'ef-core',
    programs: ['dotnet-ef'],
    migrates: ['database update'],
    alike: ['migrations list', 'migrations script', 'migrations bundle', 'migrations has-pending-model-changes'],
    command: 'dotnet ef database update',
  },
  { tool: 'ef-core', programs: ['efbundle'], migrates: [''], alike: [], command: './efbundle' },
  {
    tool: 'postgrator',
    programs: ['postgrator', 'postgrator-cli'],
    migrates: [''],
    alike: [],
    command: 'npx postgrator',
  },
  {
    tool: 'db-migrate',
    programs: ['db-migrate'],
    migrates: ['up'],
    alike: ['check', 'create', 'down'],
    command: 'npx db-migrate up',
  },
  {
    tool: 'sqlx',
    programs: ['sqlx', 'cargo-sqlx'],
    migrates: ['migrate run', 'database setup', 'db setup'],
    alike: ['migrate info', 'prepare', 'migrate add', 'database create', 'migrate build-script'],
    command: 'sqlx migrate run',
  },
  {
    tool: 'diesel',
    programs: ['diesel'],
    migrates: ['migration run', 'setup', 'database setup'],
    alike: ['migration list', 'migration pending', 'print-schema', 'migration generate'],
    command: 'diesel migration run',
  },
  {
    tool: 'doctrine',
    programs: ['console'],
    migrates: ['doctrine:migrations:migrate'],
    alike: ['doctrine:migrations:status', 'doctrine:schema:validate'],
    command: 'bin/console doctrine:migrations:migrate -n',
  },
  {
    tool: 'phinx',
    programs: ['phinx'],
    migrates: ['migrate'],
    alike: ['status', 'breakpoint'],
    command: 'vendor/bin/phinx migrate',
  },
  {
    tool: 'sea-orm',
    programs: ['sea-orm-cli'],
    migrates: ['migrate', 'migrate up'],
    alike: ['migrate status', 'migrate generate'],
    command: 'sea-orm-cli migrate up',
  },
  { tool: 'tern', programs: ['tern'], migrates: ['migrate'], alike: ['status'], command: 'tern migrate' },
  {
    tool: 'yoyo',
    programs: ['yoyo'],
    migrates: ['apply', 'develop'],
    alike: ['list', 'mark'],
    command: 'yoyo apply --batch',
  },
]

/** With these no tool does anything. */
const ALWAYS_DRY = new Set(['--dry-run', '--dryRun', '-dry-run', '--dryrun', '--help', '-h', '--version'])

export interface MigrationReading {
  readonly tool: string
  /** false: it only looks like one. */
  readonly migrates: boolean
}

/** What a program with its words does to the ledger of a tool; null where it is none of their commands. */
export function readMigration(program: string, words: readonly string[]): MigrationReading | null {
  for (const row of MIGRATION_COMMANDS) {
    if (!row.programs.includes(program)) continue
    const isDry = words.some((word) => ALWAYS_DRY.has(word) || row.dry?.some((one) => word.startsWith(one)) === true)
    const plain = words.filter((word) => !word.startsWith('-'))
    // Options may have values, and some tools take several commands at once: the words stand next to each other somewhere.
    const says = (phrase: string): boolean => phrase === '' || hasPhrase(plain, phrase.split(' '))
    const alike = row.alike.some(says)
    const migrates = row.migrates.some(says) && !isMerelyInside(row, plain)
    if (migrates) return { tool: row.tool, migrates: !isDry }
    if (alike) return { tool: row.tool, migrates: false }
  }
  return null
}

/** `db upgrade` names the first word, `migrate status` begins with one that alone would migrate. */
function isMerelyInside({ migrates, alike }: MigrationCommand, words: readonly string[]): boolean {
  const longest = (phrases: readonly string[]): number =>
    Math.max(
      0,
      ...phrases.filter((phrase) => hasPhrase(words, phrase.split(' '))).map((phrase) => phrase.split(' ').length),
    )
  return longest(alike) > longest(migrates)
}

function hasPhrase(words: readonly string[], phrase: readonly string[]): boolean {
  return words.some((_, at) => phrase.every((part, next) => words[at + next] === part))
}

/** What is suggested for a tool; null where it is none of the table's. */
export function commandOf(tool: string | null): string | null {
  return MIGRATION_COMMANDS.find((row) => row.tool === tool)?.command ?? null
}

/** Calls by which a program of the project's own runs migrations: drizzle, kysely, knex, TypeORM, umzug, MikroORM and others. */
export const MIGRATING_CALLS =
  /\bmigrateToLatest\(|\bmigrate\.latest\(|\brunMigrations\(|\bgetMigrator\(\)\.up\(|\bmigrator\.up\(|\bumzug\.up\(|\bmigrate\(\s*(?:db|drizzle|database|client|pool)\b|\bpostgrator\.migrate\(|\bcommand\.upgrade\(|\bcall_command\(\s*["']migrate["']|\bgoose\.Up\(|\bm\.Up\(\)|\bflyway\.migrate\(|\brunner\(\{[^}]*direction:\s*["']up["']/u
