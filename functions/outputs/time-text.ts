import { visibleName } from './visible-text.ts'

/** Example: '2026-11-22 10:00:05 UTC'. */
export function timeText(iso: string): string {
  const at = new Date(iso)
  return Number.isNaN(at.getTime()) ? visibleName(iso) : `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
