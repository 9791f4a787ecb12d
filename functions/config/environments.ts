/** Environments of the config: how a database and the endpoints of each are reached. */
import * as z from 'zod'
import { duration, key, orNull, text } from './parts.ts'
import { parseSearchPath } from './search-path.ts'

const searchPath = z
  .union(
    [
      text.refine((value) => parseSearchPath(value) !== null, 'is no search path: write schemas with commas between'),
      z.array(text).min(1),
    ],
    {
      error: 'expected schemas such as "app, public", or a list of them',
    },
  )
  // A schema in a list is a name as it is; only in a text do quotes and case mean something.
  .transform((value) => (typeof value === 'string' ? (parseSearchPath(value) ?? []) : value))
  .optional()
  .transform((schemas) => schemas ?? [])

/** Schemas in order, bare; empty where none are given. */
const searchPathKey = key(
  searchPath,
  "The schemas that unqualified names are looked up in. Default: the role's own, or public.",
  'app, public',
)
const ca = key(
  orNull(text),
  'Whose certificates are trusted: "rds" for the bundle of Amazon RDS that is shipped, or a PEM file.',
  'rds',
)
const region = key(orNull(text), 'The AWS region, where it is not the one of the process.', 'eu-west-1')

const databaseByUrl = z.lazy(() =>
  z.strictObject({
    url: key(text, 'postgres://…, or pglite:DIR for an embedded database.', '${STAGING_DATABASE_URL}'),
    ca,
    searchPath: searchPathKey,
  }),
)

const databaseByDataApi = z.lazy(() =>
  z.strictObject({
    cluster: key(text, 'The ARN of the Aurora cluster, looked at through the RDS Data API.', 'arn:aws:rds:…'),
    secret: key(text, 'The ARN of the Secrets Manager secret of the role that looks.', 'arn:aws:secretsmanager:…'),
    name: key(text, "The database's name.", 'orders'),
    region,
    endpoint: key(orNull(text), "The URL of the Data API, where it is not the region's own.", 'http://127.0.0.1:8080'),
    searchPath: searchPathKey,
  }),
)

const databaseByHost = z.lazy(() =>
  z.strictObject({
    host: key(text, "The server's name or address.", 'orders.cluster-1.eu-west-1.rds.amazonaws.com'),
    port: key(
      z
        .union(
          [
            z.number().int().min(1).max(65_535),
            z
              .string()
              .regex(/^\$\{\w+\}$/u, 'is no port: write a number from 1 to 65535, or one ${VARIABLE} that holds it'),
          ],
          {
            error: 'expected a port from 1 to 65535, or a ${VARIABLE} that holds one',
          },
        )
        .default(5432),
      "The server's port.",
      5432,
    ),
    name: key(text, "The database's name.", 'orders'),
    user: key(orNull(text), 'The role that looks; a secret names its own.', 'watch'),
    iam: key(z.boolean().default(false), 'Whether an IAM token is the password.', true),
    secret: key(
      orNull(text),
      'The ARN of a Secrets Manager secret with username and password.',
      'arn:aws:secretsmanager:…',
    ),
    ca,
    region,
    searchPath: searchPathKey,
  }),
)

const databaseSchema = z.union([databaseByUrl, databaseByDataApi, databaseByHost], {
  error: 'expected url, or cluster with secret and name, or host with name',
})

const names = z
  .union([text, z.array(text).min(1, 'is empty: name a schema, or leave the key out')], {
    error: 'expected a name or pattern such as "tenant_*", or a list of them',
  })
  .transform((value) => (typeof value === 'string' ? [value] : value))

const tenants = z.lazy(() =>
  z.strictObject({
    schemas: key(
      names,
      "The tenants' schemas: names, or patterns in which * is any run of characters. Each stands for the one schema that the migrations make their objects in.",
      'tenant_*',
    ),
    except: key(
      names.optional().transform((except) => except ?? []),
      'Schemas that a pattern fits and that are no tenants.',
      ['tenant_template'],
    ),
  }),
)

export const environmentSchema = z.lazy(() =>
  z
    .strictObject({
      database: key(databaseSchema, 'How the database is reached.', { url: '${STAGING_DATABASE_URL}' }),
      searchPath: searchPathKey,
      tenants: key(
        orNull(tenants),
        'Many schemas of this database that each have to be as the release expects, looked at together.',
        { schemas: 'tenant_*', except: ['tenant_template'] },
      ),
      unsure: key(
        z.enum(['block', 'warn']).default('block'),
        'What a gate does when it could not look: block, or warn and proceed. The verdict says unsure either way.',
        'block',
      ),
      hosts: key(
        orNull(z.array(text)),
        'What endpoint checks and their redirects may reach, with a port where only that one is meant. Default: the hosts that the urls name. Loopback and private addresses need the name itself, no pattern; link-local and metadata addresses are never reached.',
        ['*.orders.example'],
      ),
      secrets: key(
        z
          .record(
            z.string().regex(/^[A-Za-z_]\w*$/u, 'is no name of a variable: use letters, digits and underscores'),
            z.strictObject({
              secret: key(text, 'The ARN of a Secrets Manager secret.', 'arn:aws:secretsmanager:…'),
              field: key(orNull(text), 'The field of a secret that is JSON. Default: all of it.', 'token'),
            }),
          )
          .default({}),
        'Variables of endpoints that come from Secrets Manager instead of the process environment.',
        { CANARY_TOKEN: { secret: 'arn:aws:secretsmanager:…', field: 'token' } },
      ),
      watch: key(
        z
          .strictObject({ for: key(duration.prefault('15m'), 'How long a deployment is watched.', '15m') })
          .prefault({})
          .transform((watch) => ({ forMs: watch.for })),
        'The looks after a deployment.',
        { for: '15m' },
      ),
    })
    // The contract shows searchPath beside the database; readers find it in one place.
    .transform(({ database: { searchPath, ...database }, ...environment }) => ({
      ...environment,
      database,
      searchPath: environment.searchPath.length > 0 ? environment.searchPath : searchPath,
    })),
)
