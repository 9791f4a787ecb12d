/** Documents in memory, as their port says: conditional, and seen by all. */
import type { Documents, VersionedDocument } from '../../functions/stores/documents.ts'

export interface MemoryDocuments extends Documents {
  readonly held: ReadonlyMap<string, VersionedDocument>
}

/** `onWrite` sees each write that got through. */
export function memoryDocuments(
  onWrite: (before: string | null, after: string) => void = () => undefined,
): MemoryDocuments {
  const held = new Map<string, VersionedDocument>()
  let writes = 0
  return {
    held,
    document: async (key) => held.get(key) ?? null,
    putDocument: async (key, text, version) => {
      const present = held.get(key)
      if ((present?.version ?? null) !== version) return false
      onWrite(present?.text ?? null, text)
      held.set(key, { text, version: String(++writes) })
      return true
    },
  }
}
