/**
 * The pages' only script: it copies commands, and opens what is folded before printing. Without it everything is there to be read,
 * and nothing is there that does not work: the buttons come into being by it.
 */
import { createHash } from 'node:crypto'
import { trusted } from './markup.ts'

/** Text of `id` goes to the clipboard; where a browser gives no clipboard (a page within a frame), it is selected and copied. */
const SCRIPT = `
const status = document.getElementById('status')
const copy = async (code) => {
  try {
    await navigator.clipboard.writeText(code.textContent)
    return true
  } catch {
    getSelection().selectAllChildren(code)
    return document.execCommand('copy')
  }
}
for (const button of document.querySelectorAll('button[data-copy]')) {
  button.hidden = false
  button.addEventListener('click', async () => {
    const done = await copy(document.getElementById(button.dataset.copy))
    button.textContent = done ? 'Copied' : 'Selected'
    status.textContent = done ? 'the command is on the clipboard' : 'the command is selected: copy it'
    setTimeout(() => { button.textContent = 'Copy'; status.textContent = '' }, 2500)
  })
}
let folded = []
addEventListener('beforeprint', () => {
  folded = [...document.querySelectorAll('details:not([open])')]
  for (const one of folded) one.open = true
})
addEventListener('afterprint', () => { for (const one of folded) one.open = false })
`

/** For a Content-Security-Policy: this script and no other. */
export const SCRIPT_HASH = `sha256-${createHash('sha256').update(SCRIPT).digest('base64')}`

/** Whole, as its hash wants it: not a space more. */
export const SCRIPT_ELEMENT = trusted(`<script>${SCRIPT}</script>`)
