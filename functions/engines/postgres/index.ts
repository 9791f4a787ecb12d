/** PostgreSQL 14 to 18. */
import type { Engine } from '../engine.ts'
import { blockers } from './blockers.ts'
import { bucketDigests, grants, groupDigests, objects } from './catalog.ts'
import { BREAKS, classify } from './errors.ts'
import { grantsSql } from './grants-sql.ts'
import { identify } from './identify.ts'
import { prepareStatements } from './prepare.ts'
import { readCatalog, readGrants, readObjects } from './read-catalog.ts'
import { identifier, literal } from './sql.ts'
import { stamp } from './stamp.ts'
import { candidateTables, tableDigest } from './tables-as-data.ts'

export const postgres = {
  name: 'postgres',
  identify,
  stamp,
  tableDigest,
  bucketDigests,
  groupDigests,
  objects,
  readObjects,
  readGrants,
  grants,
  readCatalog,
  candidateTables,
  prepareStatements,
  breaks: BREAKS,
  classify,
  blockers,
  grantsSql,
  literal,
  identifier,
} as const satisfies Engine
