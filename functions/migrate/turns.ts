/** The record of whose turn it is in an environment, changed by one at a time. */
import * as z from 'zod'
import type { MigrationTurns } from '../core/migration-turn.ts'
import { NO_TURNS } from '../core/migration-turn.ts'
import type { Documents } from '../stores/documents.ts'

const run = z.discriminatedUnion('at', [
  z.object({ at: z.literal('claimed') }),
  z.object({ at: z.literal('starting'), since: z.number() }),
  z.object({ at: z.literal('started'), since: z.number(), handle: z.string() }),
])
const end = z.object({
  kind: z.enum(['succeeded', 'failed', 'unknown']),
  said: z.string(),
  log: z.object({ text: z.string(), command: z.string().nullable() }).nullable(),
})
const turns = z.lazy(() =>
  z.object({
    current: z
      .object({ owner: z.string(), work: z.string(), token: z.string(), leaseUntil: z.number(), run })
      .nullable(),
    last: z.object({ work: z.string(), token: z.string(), end }).nullable(),
  }),
)

export interface TurnsRecord {
  read(): Promise<MigrationTurns>
  /**
   * Reads, changes and writes, again where another was faster; what was written, or null where `change` wanted nothing.
   *
   * @throws what the store throws, and where others were faster again and again
   */
  update(change: (turns: MigrationTurns) => MigrationTurns | null): Promise<MigrationTurns | null>
}

const RACES_MOST = 6

export function turnsRecord(
  documents: Documents,
  { service, environment }: { readonly service: string; readonly environment: string },
): TurnsRecord {
  const key = `migration-turns ${service} ${environment}`
  const load = async (): Promise<{ readonly turns: MigrationTurns; readonly version: string | null }> => {
    const found = await documents.document(key)
    if (found === null) return { turns: NO_TURNS, version: null }
    // Damaged, it must not read as "nobody migrates": whoever is asked stops here.
    return { turns: turns.parse(JSON.parse(found.text)), version: found.version }
  }
  return {
    read: async () => (await load()).turns,
    update: async (change) => {
      for (let race = 0; race < RACES_MOST; race += 1) {
        const { turns: present, version } = await load()
        const next = change(present)
        if (next === null) return null
        if (await documents.putDocument(key, JSON.stringify(next), version, null)) return next
      }
      throw new Error(`the record of who migrates ${environment} was written by others ${RACES_MOST} times in a row`)
    },
  }
}
