/** How a part of a script ends, and what is written there. */
import type { AndOr, CompoundList, PipelineNode } from 'unbash'

/** Whether a part always leaves the script (or the function) with success, or with failure. */
export function endsWith(node: PipelineNode | AndOr | CompoundList, how: 'success' | 'failure'): boolean {
  if (node.type === 'CompoundList') {
    const last = node.commands.at(-1)
    return last !== undefined && endsWith(last.command, how)
  }
  if (node.type === 'BraceGroup' || node.type === 'Subshell') return endsWith(node.body, how)
  if (node.type === 'Redirected') return endsWith(node.command, how)
  if (node.type !== 'Command') return false
  const name = node.name?.value
  const first = node.args[0]
  const status = first?.type === 'Word' ? first.value : undefined
  if (name === 'false') return how === 'failure'
  if (name !== 'exit' && name !== 'return') return false
  // Without a number it is the status of what ran before, which in a handler is the failure.
  return (status === '0') === (how === 'success')
}

/** As it is written, on one line. */
export function sourceText(text: string, { pos, end }: { readonly pos: number; readonly end: number }): string {
  return text.slice(pos, end).replace(/\s+/gu, ' ').replace(/;$/u, '').trim()
}
