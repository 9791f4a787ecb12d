import { expect, vi } from 'vitest'
import type { Report } from '../../functions/core/report.ts'

/**
 * Looks until one is answered by the last: other suites make roles meanwhile, which are the whole server's, and a look that they
 * moved is remembered anew.
 */
export async function unmoved(again: () => Promise<Report>): Promise<Report> {
  return vi.waitFor(async () => {
    const report = await again()
    expect(report.database?.roundTrips).toBe(1)
    return report
  }, 10_000)
}
