import { config } from 'zod'

// A process of ours reads each kind of document once or twice: code that is made for a schema costs more than it then saves.
config({ jitless: true })

/** What is made when it is first needed, once: a schema costs the start of every function that has it, used or not. */
export function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null
  return () => (made ??= { value: make() }).value
}
