/** A change of a file's lines as data, and as a command that makes it. */

export interface LineEdit {
  readonly file: string
  /** The first line that goes, or before which the new ones come. From 1. */
  readonly line: number
  /** How many lines go. */
  readonly removed: number
  readonly inserted: readonly string[]
}

/** Lines around a change, by which it finds its place again when the file has moved on. */
const CONTEXT = 2

/** The text after the edit. */
export function applyEdit(text: string, edit: LineEdit): string {
  const lines = text.split('\n')
  lines.splice(edit.line - 1, edit.removed, ...edit.inserted)
  return lines.join('\n')
}

/**
 * A command that makes the edit: it shows the exact lines with their place, and works when it is pasted where the files are.
 * null where the lines cannot stand in a patch as they are.
 */
export function patchCommand(text: string, edit: LineEdit): string | null {
  const lines = text.replace(/\n$/u, '').split('\n')
  const removed = lines.slice(edit.line - 1, edit.line - 1 + edit.removed)
  if (edit.line > lines.length + 1 || removed.length !== edit.removed) return null
  const before = lines.slice(Math.max(0, edit.line - 1 - CONTEXT), edit.line - 1)
  const after = lines.slice(edit.line - 1 + edit.removed, edit.line - 1 + edit.removed + CONTEXT)
  const all = [...before, ...removed, ...edit.inserted, ...after]
  if (all.some((line) => line.includes('\r') || line === 'EOF') || !text.endsWith('\n')) return null
  const start = edit.line - before.length
  const around = before.length + after.length
  return [
    "git apply <<'EOF'",
    `--- a/${edit.file}`,
    `+++ b/${edit.file}`,
    `@@ -${start},${around + removed.length} +${start},${around + edit.inserted.length} @@`,
    ...before.map((line) => ` ${line}`),
    ...removed.map((line) => `-${line}`),
    ...edit.inserted.map((line) => `+${line}`),
    ...after.map((line) => ` ${line}`),
    'EOF',
  ].join('\n')
}
