/** Every kind's reader. A kind that lacks one is a compile error. */
import type { ObjectKind } from '../../core/catalog.ts'
import { readColumns } from './columns.ts'
import { readConstraints } from './constraints.ts'
import { readExtensions } from './extensions.ts'
import { readGrants } from './grants.ts'
import { readIndexes } from './indexes.ts'
import { readPolicies } from './policies.ts'
import type { Reader } from './reader.ts'
import { readRoutines } from './routines.ts'
import { readSequences } from './sequences.ts'
import { readTables } from './tables.ts'
import { readTriggers } from './triggers.ts'
import { readTypes } from './types.ts'
import { readViews } from './views.ts'

export const READERS: { readonly [K in ObjectKind]: Reader } = {
  table: readTables,
  column: readColumns,
  constraint: readConstraints,
  index: readIndexes,
  view: readViews,
  type: readTypes,
  sequence: readSequences,
  routine: readRoutines,
  trigger: readTriggers,
  policy: readPolicies,
  extension: readExtensions,
  grant: readGrants,
}
