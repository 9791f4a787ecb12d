/** Looks at a server that other suites use at the same time. */

/**
 * The look that finds nothing changed since the one before, or the last of five. Roles and what they were granted are in catalogs
 * that the server's databases share: another suite's GRANT makes the next look here a full one, and rightly so.
 *
 * @param notes of a look's report
 */
export async function untilUnchanged<T>(
  look: () => Promise<T>,
  notes: (seen: T) => readonly string[] | undefined,
): Promise<T> {
  for (let left = 4; ; left -= 1) {
    const seen = await look()
    if (left === 0 || notes(seen)?.some((note) => note.includes('nothing ran DDL here')) === true) return seen
  }
}
