/** PostgreSQL 14 to 18. */
import type { Engine } from '../engine.ts'
import { blockers } from './blockers.ts'
import { bucketDigests, grants, groupDigests, objects } from './catalog.ts'
import { BREAKS, classify } from './errors.ts'
import { grantsSql } from './grants-sql.ts'
import { identify } from './identify.ts'
import { readCatalog, readGrants, readObjects } from './read-catalog.ts'
import { answerQuery, columnNames, columnTypes, DATED_TYPES } from './query-answers.ts'
import { identifier, literal } from './sql.ts'
import { roleSearchPath, schemasWith, statisticsSource } from './statistics.ts'
import { stamp } from './stamp.ts'
import { tableSizes } from './table-sizes.ts'
import { candidateTables, tableDigest } from './tables-as-data.ts'
import { tenants } from './tenants.ts'

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
  // What reads SQL is loaded where there is some.
  prepareStatements: async (...asked) => (await import('./prepare.ts')).prepareStatements(...asked),
  judgeQueries: async (...asked) => (await import('./query-safety.ts')).judgeQueries(...asked),
  columnNames,
  columnTypes,
  answerQuery,
  datedTypes: DATED_TYPES,
  breaks: BREAKS,
  statisticsSource,
  readStatistics: async (...asked) => (await import('./read-statistics.ts')).readStatistics(...asked),
  readStatisticsTexts: async (...asked) => (await import('./read-statistics.ts')).readStatisticsTexts(...asked),
  roleSearchPath,
  schemasWith,
  tableSizes,
  activityQueries: async (tables) => (await import('./activity.ts')).activityQueries(tables),
  classify,
  blockers,
  tenants,
  grantsSql,
  objectSql: async (schemaOf) => (await import('./object-sql.ts')).objectSql(schemaOf),
  literal,
  identifier,
} as const satisfies Engine
