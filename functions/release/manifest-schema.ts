/** The release manifest's header: `deploywatch.release.json`. What stands beside it is read by byte ranges (`sections`). */
import * as z from 'zod'
import { BUCKETS, OBJECT_KINDS } from '../core/catalog.ts'
import type { ObjectKind } from '../core/catalog.ts'
import { LOCK_MODES } from '../core/lock-modes.ts'
import { lazily } from '../lazily.ts'

export const MANIFEST_SCHEMA = 'deploywatch/release/1'

/** A run of lines in the catalog part: its length in bytes, and the first 16 hex digits of their SHA-256. */
const section = z.tuple([z.number().int().min(0), z.string()])

export const headerSchema = lazily(() => {
  const digest = z.object({ objects: z.number().int(), sum: z.string() })
  const tableName = z.object({ schema: z.string().nullable(), table: z.string() })

  const migration = z.object({
    subject: z.string(),
    key: z.string(),
    kind: z.enum(['versioned', 'repeatable', 'baseline']),
    file: z.string(),
    checksums: z.array(z.string()),
    digest: z.string(),
    form: z.enum(['sql', 'code']),
    line: z.number().int().optional(),
    entry: z.object({ file: z.string(), line: z.number().int() }).optional(),
    after: z.array(z.string()).optional(),
    replaces: z.array(z.string()).optional(),
    mendable: z.boolean().optional(),
    doubt: z.string().optional(),
  })

  const ledgerOfOneTool = z.object({
    name: z.string(),
    tool: z.string(),
    detectedBy: z.string(),
    path: z.string(),
    table: tableName.nullable(),
    migrations: z.array(migration),
    commands: z.object({
      addressIn: z.string().nullable().default(null),
      migrate: z.string(),
      migrateLate: z.string().nullable(),
      repair: z.string().nullable(),
      resumes: z.boolean().optional(),
      inSchema: z.string().optional(),
      record: z.object({ command: z.string(), each: z.boolean() }).nullable().default(null),
    }),
    late: z.enum(['runs', 'refuses', 'never-runs']),
    notes: z.array(z.string()),
    elsewhere: z.array(z.string()).optional(),
  })
  const ledger = ledgerOfOneTool.extend({ otherwise: z.array(ledgerOfOneTool).optional() })

  const statement = z.object({
    subject: z.string(),
    sql: z.string(),
    source: z.object({ file: z.string(), line: z.number().int() }).nullable(),
    from: z.enum(['config', 'file', 'evidence']),
    calls: z.number().nullable(),
    expect: z.record(z.string(), z.unknown()).nullable(),
  })

  const catalog = z.object({
    mode: z.enum(['sql', 'command', 'dump', 'environment', 'none']),
    servers: z.array(z.string()),
    schemas: z.array(z.string()),
    total: digest,
    buckets: z.array(digest).length(BUCKETS),
    grants: digest,
    digest: z.string(),
  })

  return z.object({
    schema: z.literal(MANIFEST_SCHEMA),
    service: z.string(),
    version: z.string(),
    commit: z.string().nullable(),
    /** Of the expectation; without service, version and commit. */
    digest: z.string(),
    ledgers: z.array(ledger),
    catalog,
    policy: z.object({ match: z.enum(['subset', 'exact']), ignore: z.array(z.string()), role: z.string().nullable() }),
    statements: z.array(statement),
    /** The config that a look needs, unexpanded: no secret is in it. */
    config: z.record(z.string(), z.unknown()),
    /** One after another in the part: the buckets in order, the grants, the effects. */
    sections: z.object({ buckets: z.array(section).length(BUCKETS), grants: section, effects: section }),
    /** SHA-256 of all of the above, canonical. */
    seal: z.string(),
  })
})

export type Header = z.output<ReturnType<typeof headerSchema>>
export type Section = z.output<typeof section>

/** A line of the part: facts in the order of `KINDS`; what is null, empty or no migration's is left out. */
export const objectLine = lazily(() =>
  z.object({
    kind: z.enum(OBJECT_KINDS as readonly [ObjectKind, ...ObjectKind[]]),
    schema: z.string(),
    group: z.string(),
    name: z.string(),
    facts: z.array(z.string().nullable()),
    brought: z.number().int().optional(),
    changed: z.array(z.number().int()).optional(),
    variants: z.record(z.string(), z.string()).optional(),
  }),
)

/** Read only where something is amiss. */
export const effectLine = lazily(() => {
  const reference = z.object({
    kind: z.enum(OBJECT_KINDS as readonly [ObjectKind, ...ObjectKind[]]),
    schema: z.string(),
    group: z.string(),
    name: z.string(),
  })

  const failureFields = {
    line: z.number().int(),
    reason: z.string(),
    extension: z.string().nullable(),
    follows: z.string().nullable(),
    unsure: z.array(reference),
  }
  const failure = z.object({
    ...failureFields,
    further: z.array(z.object({ ...failureFields, further: z.array(z.never()) })),
  })

  return z.object({
    brought: z.array(reference),
    changed: z.array(reference),
    removed: z.array(reference),
    costs: z.array(
      z.object({
        line: z.number().int(),
        class: z.enum(['instant', 'scan', 'foreign-key', 'index', 'rewrite', 'data', 'query', 'unknown']),
        relations: z.array(z.string()),
        concurrently: z.boolean(),
        // Manifests of versions that did not tell: nothing is known of either.
        rows: z
          .discriminatedUnion('kind', [
            z.object({ kind: z.literal('every'), of: z.string() }),
            z.object({ kind: z.literal('given') }),
            z.object({ kind: z.literal('some') }),
          ])
          .nullable()
          .default(null),
        lock: z
          .object({ mode: z.enum(LOCK_MODES), relations: z.array(z.string()) })
          .nullable()
          .default(null),
      }),
    ),
    failed: failure.nullable(),
  })
})
