/** Small releases and observations for the pure tests: say what matters, get the rest. */
import {
  BUCKETS,
  digestOfAll,
  identityOf,
  KINDS,
  type CatalogObject,
  type ObjectKind,
} from '../../functions/core/catalog.ts'
import type { AppliedMigration, LedgerReading } from '../../functions/core/ledger.ts'
import type { Observation } from '../../functions/core/observation.ts'
import type {
  Expectation,
  ExpectedObject,
  LedgerExpectation,
  Migration,
  MigrationEffect,
  ObjectReference,
  Statement,
} from '../../functions/core/release.ts'

export function migration(subject: string, more: Partial<Migration> = {}): Migration {
  return {
    subject,
    key: subject,
    kind: 'versioned',
    file: `db/${subject}`,
    checksums: [],
    digest: `sha of ${subject}`,
    form: 'sql',
    ...more,
  }
}

export function ledger(migrations: readonly Migration[], more: Partial<LedgerExpectation> = {}): LedgerExpectation {
  return {
    name: 'default',
    tool: 'flyway',
    detectedBy: 'V1__a.sql',
    path: 'db',
    table: null,
    migrations,
    commands: {
      addressIn: null,
      migrate: 'flyway migrate',
      migrateLate: 'flyway migrate -outOfOrder=true',
      repair: 'flyway repair',
      record: { command: 'flyway baseline -baselineVersion=KEY', each: false },
    },
    late: 'refuses',
    notes: [],
    ...more,
  }
}

export function applied(key: string, place: number, more: Partial<AppliedMigration> = {}): AppliedMigration {
  return {
    key,
    label: key,
    state: 'applied',
    checksum: null,
    at: null,
    durationMs: null,
    by: null,
    detail: null,
    place,
    ...more,
  }
}

export function reading(rows: readonly AppliedMigration[], more: Partial<LedgerReading> = {}): LedgerReading {
  return {
    table: 'public.flyway_schema_history',
    tool: 'flyway',
    recognisedBy: 'its columns are Flyway’s',
    applied: rows,
    highWaterMark: false,
    lock: null,
    notes: [],
    ...more,
  }
}

export function object(
  kind: ObjectKind,
  group: string,
  name: string,
  facts: Record<string, string | null> = {},
  schema = 'public',
): CatalogObject {
  const all = Object.fromEntries(KINDS[kind].facts.map((fact) => [fact, facts[fact] ?? null]))
  return { kind, schema, group, name, facts: all as CatalogObject['facts'] }
}

export const table = (name: string) => object('table', name, name, { form: 'table', persistence: 'permanent' })
export const column = (group: string, name: string, facts: Record<string, string | null> = {}) =>
  object('column', group, name, { type: 'text', nullable: 'yes', ...facts })

export function expected(
  wanted: CatalogObject,
  brought: number | null,
  changed: readonly number[] = [],
): ExpectedObject {
  return { object: wanted, brought, changed, variants: {} }
}

export function effect(brought: readonly ObjectReference[] = [], more: Partial<MigrationEffect> = {}): MigrationEffect {
  return { brought, changed: [], removed: [], costs: [], failed: null, ...more }
}

export function expectation(
  ledgers: readonly LedgerExpectation[],
  objects: readonly ExpectedObject[] = [],
  statements: readonly Statement[] = [],
  more: Partial<Expectation> = {},
): Expectation {
  const sum = digestOfAll(objects.map((entry) => entry.object))
  return {
    release: { service: 'orders', version: '1.42.0', commit: '9f1c2ab' },
    digest: 'digest',
    ledgers,
    catalog: {
      mode: 'sql',
      servers: ['18.3'],
      schemas: ['public'],
      total: { objects: objects.length, sum },
      buckets: Array.from({ length: BUCKETS }, () => ({ objects: 0, sum: '0' })),
      grants: { objects: 0, sum: '0' },
      digest: 'catalog',
    },
    policy: { match: 'subset', ignore: [], role: null },
    statements,
    ...more,
  }
}

export function statement(subject: string, sql: string): Statement {
  return { subject, sql, source: { file: 'deploywatch.yaml', line: 9 }, from: 'config', calls: null, expect: null }
}

/** What is seen where only the named objects differ from the expected ones: null stands for absent. */
export function observation(
  ledgerReading: LedgerReading,
  wanted: readonly ExpectedObject[] = [],
  changed: Readonly<Record<string, CatalogObject | null>> = {},
  more: Partial<Observation> = {},
): Observation {
  const found = wanted.flatMap(({ object: original }) => {
    const replacement = changed[original.name]
    if (replacement === undefined) return [original]
    return replacement === null ? [] : [replacement]
  })
  const extra = Object.values(changed).filter(
    (candidate): candidate is CatalogObject =>
      candidate !== null && !wanted.some(({ object: original }) => identityOf(original) === identityOf(candidate)),
  )
  return {
    server: {
      seen: true,
      value: {
        engine: 'postgres',
        version: '18.3',
        major: 18,
        systemIdentifier: '1',
        database: 'orders',
        role: 'watch',
      },
    },
    ledgers: { seen: true, value: [{ ledger: 'default', reading: ledgerReading }] },
    catalog: { seen: true, value: { expected: wanted, found: [...found, ...extra], missingSchemas: [] } },
    statements: { seen: true, value: [] },
    queries: { seen: true, value: [] },
    ...more,
  }
}
