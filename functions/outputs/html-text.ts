/** Text from outside on its way into a page. */
import { visibleName } from './visible-text.ts'

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Shows as it is, between tags and within quoted attributes alike; what cannot be seen is written as an escape. */
export function escapeHtml(text: string): string {
  return visibleName(text).replace(/[&<>"']/gu, (character) => ENTITIES[character] ?? character)
}
