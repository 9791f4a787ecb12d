/**
 * How the watched environment stands to the migrations of the release that was looked at last: kept beside the evidence by the
 * function that looks, so that a dashboard knows it without a database. One small document, written when it changes.
 */
import * as z from 'zod'
import type { MigrationEvidence } from './core/migration-evidence.ts'
import { lazily } from './lazily.ts'
import { migrationEvidenceSchema } from './release/evidence.ts'
import type { Documents } from './stores/documents.ts'

const standingSchema = lazily(() =>
  z.object({
    /** Of the expectation. */
    digest: z.string(),
    migrations: migrationEvidenceSchema(),
  }),
)

export interface Standing {
  /** Of the expectation. */
  readonly digest: string
  readonly migrations: MigrationEvidence
}

export interface StandingPlace {
  readonly service: string
  readonly environment: string
}

function keyOf({ service, environment }: StandingPlace): string {
  return JSON.stringify(['standing', service, environment])
}

/** null: nobody looked yet, or what is kept is of another version. */
export async function readStanding(documents: Documents, place: StandingPlace): Promise<Standing | null> {
  const kept = await documents.document(keyOf(place))
  return kept === null ? null : parse(kept.text)
}

function parse(text: string): Standing | null {
  try {
    return standingSchema().parse(JSON.parse(text))
  } catch {
    return null
  }
}

/** A watch looks every few seconds: what is the same is written again only when it would seem old. */
const REFRESH_MS = 10 * 60_000

/**
 * Keeps what a look saw. A look at an unchanged database saw nothing anew (`migrations` null at `seenAt`): what is kept of the same
 * expectation is then as true as when it was seen. Of two writers one wins: both have just looked.
 */
export async function keepStanding(
  documents: Documents,
  place: StandingPlace,
  seen: { readonly digest: string; readonly migrations: MigrationEvidence | null; readonly seenAt: string },
): Promise<void> {
  const key = keyOf(place)
  const kept = await documents.document(key)
  const earlier = kept === null ? null : parse(kept.text)
  const same = earlier !== null && earlier.digest === seen.digest ? earlier.migrations : null
  // A ledger that could not be read says nothing of what is applied.
  if (seen.migrations !== null && seen.migrations.records.every(({ state }) => state === 'unknown')) return
  const migrations = seen.migrations ?? (same === null ? null : { ...same, seenAt: seen.seenAt })
  if (migrations === null) return
  const isFresh = same !== null && Date.parse(migrations.seenAt) - Date.parse(same.seenAt) < REFRESH_MS
  if (isFresh && withoutTimes(same) === withoutTimes(migrations)) return
  await documents.putDocument(key, JSON.stringify({ digest: seen.digest, migrations }), kept?.version ?? null, null)
}

function withoutTimes(migrations: MigrationEvidence): string {
  return JSON.stringify(migrations, (key: string, value: unknown) => (key === 'seenAt' ? undefined : value))
}
