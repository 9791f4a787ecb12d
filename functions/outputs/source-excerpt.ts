/** The lines of a file that a finding points at, as a compiler shows them. */
import type { SourcePlace } from '../core/finding.ts'
import { columnsOf, visibleBlock } from './visible-text.ts'

/** Reads a file of the release, or null where it cannot be read from here. */
export type ReadFile = (path: string) => string | null

export interface ExcerptLine {
  readonly number: number
  readonly text: string
}

/** More lines than these say nothing that the place does not. */
const LINES = 4

/** A dumped INSERT can be a line of megabytes: it is cut at the width. */
function cut(text: string, columns: number): string {
  if (text.length <= columns && columnsOf(text) <= columns) return text
  let kept = ''
  let used = 0
  for (const character of text) {
    used += columnsOf(character)
    if (used > columns - 3) break
    kept += character
  }
  return `${kept}...`
}

/**
 * The line of the place, and of SQL the statement that begins there: up to its semicolon, at most four lines.
 * Empty where the file cannot be read or has no such line.
 */
export function sourceExcerpt(place: SourcePlace, readFile: ReadFile, columns: number): readonly ExcerptLine[] {
  const text = readFile(place.file)
  if (text === null) return []
  const wanted = place.file.toLowerCase().endsWith('.sql') ? LINES : 1
  const lines: ExcerptLine[] = []
  for (const raw of text.split(/\r\n|\n|\r/u).slice(place.line - 1, place.line - 1 + wanted)) {
    if (lines.length > 0 && raw.trim() === '') break
    const shown = visibleBlock(raw.trimEnd().slice(0, 4 * columns)).replaceAll('\t', '    ')
    lines.push({ number: place.line + lines.length, text: cut(shown, columns) })
    if (raw.trimEnd().endsWith(';')) break
  }
  return lines
}
