/** How many there are, and how many of them are shown. */

/** The first so many, and how many are left. "and 1 more" would take the place of the one that it hides. */
export function cap<T>(items: readonly T[], most: number): { readonly shown: readonly T[]; readonly left: number } {
  const shown = items.length <= most + 1 ? items : items.slice(0, most)
  return { shown, left: items.length - shown.length }
}

/** '1 error', '3 errors', '2 round trips'. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
