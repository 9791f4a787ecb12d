/** `deploywatch.yaml`: its schema, from which the types, the JSON Schema of editors and docs/config.md are made. */
import * as z from 'zod'
import { endpointSchema } from './endpoints.ts'
import { environmentSchema } from './environments.ts'
import { duration, key, label, name, orNull, path, text } from './parts.ts'
import { querySchema } from './queries.ts'
import { parseStorePlace } from './store-place.ts'

const migrationsShape = {
  tool: key(
    orNull(text),
    'The migration tool. Default: detected from the files and the ledger; the report says by what.',
    'flyway',
  ),
  path: key(path, 'The folder of the migrations.', 'db/migration'),
  placeholders: key(z.record(text, z.string()).default({}), "Values of the tool's placeholders.", { owner: 'app' }),
  table: key(
    orNull(
      z
        .string()
        .regex(/^[^.]+(\.[^.]+)?$/u, 'is no table: write table, or schema.table')
        .transform((value) => {
          const [first = '', second] = value.split('.')
          return second === undefined ? { schema: null, table: first } : { schema: first, table: second }
        }),
    ),
    "The ledger's own table, where it is not the tool's default: table, or schema.table.",
    'app.flyway_schema_history',
  ),
}

const nameKey = 'What reports call the ledger.'

const migrations = z
  .union(
    [
      z.strictObject({ name: key(label.default('default'), nameKey, 'default'), ...migrationsShape }),
      z
        .array(z.strictObject({ name: key(label, nameKey, 'orders'), ...migrationsShape }))
        .min(1, 'is empty: add a ledger, or leave the key out'),
    ],
    { error: 'expected a mapping with path, or a list of them, each with a name' },
  )
  .transform((value) => (Array.isArray(value) ? value : [value]))

const replay = z.strictObject({
  mode: key(
    z.enum(['sql', 'command', 'dump', 'environment', 'none']).default('sql'),
    "How the expected schema is computed: replay the SQL files, run the project's own command, load a dump, take an environment's, or not at all.",
    'sql',
  ),
  versions: key(
    z.array(z.number().int().min(1).max(99)).default([]),
    "The server majors to replay on. Default: the embedded one's. In mode command each one that is named is a real server.",
    [15],
  ),
  before: key(
    z.array(path).default([]),
    'SQL files that run before the migrations: what a baselined database had already.',
    ['db/roles.sql'],
  ),
  command: key(
    orNull(text),
    'For mode command: the line of shell that runs all migrations; it is given the address of an empty server in DATABASE_URL, in PGHOST and its like, and where the tool reads it.',
    'npm run migrate',
  ),
  timeout: key(
    duration.prefault('10m'),
    'For mode command: after how long the command is ended, with all that it started.',
    '10m',
  ),
  file: key(orNull(path), 'For mode dump: the structure file.', 'db/structure.sql'),
  environment: key(orNull(name), 'For mode environment: the environment whose catalog is the expectation.', 'staging'),
})

const schema = z.strictObject({
  replay: key(replay.prefault({}), 'How the expected schema is computed.', { mode: 'sql', versions: [15] }),
  match: key(
    z.enum(['subset', 'exact']).default('subset'),
    'subset: objects beyond the expected are not reported. exact: they are findings.',
    'subset',
  ),
  ignore: key(z.array(text).default([]), "Objects that are nobody's expectation, as globs over their names.", [
    'audit_*',
    'public.tmp_*',
  ]),
  role: key(orNull(text), 'The role of the application: its grants are expected too.', 'orders_app'),
})

const storePlace = text.superRefine((value, context) => {
  const place = parseStorePlace(value)
  if (place.kind === 'malformed') context.addIssue({ code: 'custom', message: place.problem })
})

export const configSchema = z
  .strictObject({
    service: key(label, 'The name of what is deployed.', 'orders'),
    migrations: key(
      migrations.default([]),
      'The migrations of the release: one folder, or a list of them, each with a name, for several ledgers.',
      { tool: 'flyway', path: 'db/migration' },
    ),
    schema: key(schema.prefault({}), 'The schema that the release expects.', { match: 'subset', role: 'orders_app' }),
    queries: key(
      z.array(querySchema).default([]),
      'Statements that must prepare on the target and, with expect, answer as they should.',
      [{ files: 'queries/**/*.sql' }],
    ),
    statements: key(
      z
        .strictObject({
          roles: key(z.array(text).default([]), 'The roles whose statements are learnt.', ['orders_app']),
        })
        .prefault({}),
      'What `record` learns from pg_stat_statements.',
      { roles: ['orders_app'] },
    ),
    endpoints: key(z.array(endpointSchema).default([]), 'Requests that the deployed release must answer.', [
      { name: 'order-page', url: 'https://${API_HOST}/orders/health' },
    ]),
    environments: key(z.record(z.string(), environmentSchema).default({}), 'The environments, by name.', {
      staging: { database: { url: '${STAGING_DATABASE_URL}' } },
    }),
    pipelines: key(orNull(z.array(path)), 'The pipeline definitions that `audit` reads. Default: the known places.', [
      '.github/workflows/deploy.yml',
    ]),
    store: key(
      storePlace.default('.deploywatch'),
      "Where stamps, manifests, evidence and reports are kept: a folder, or `s3://BUCKET/PREFIX?table=TABLE&region=REGION`, a bucket with a DynamoDB table. What is left out: no prefix, a table of the bucket's name, the region of the process (AWS_REGION, the profile).",
      's3://orders-deploywatch',
    ),
  })
  .meta({ title: 'deploywatch.yaml', description: 'What a release needs, and the environments that must have it.' })

type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T

/** The config as it is written, normalised, with `${VAR}` unexpanded. Durations are milliseconds. */
export type Config = Frozen<z.output<typeof configSchema>>
export type MigrationsConfig = Config['migrations'][number]
export type EndpointConfig = Config['endpoints'][number]
export type EnvironmentConfig = Config['environments'][string]
export type DatabaseConfig = EnvironmentConfig['database']
