/** What is made when it is first needed, once: a schema costs the start of every function that has it, used or not. */
export function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null
  return () => (made ??= { value: make() }).value
}
