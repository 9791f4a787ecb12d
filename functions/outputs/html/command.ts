/** A command that is pasted as it stands: wrapped where the screen ends, copied without the wrapping. */
import type { Html } from './markup.ts'
import { block, html } from './markup.ts'

/** @param id unique in the page */
export function commandBox(command: string, id: string): Html {
  return html`<div class="command">
    <pre><code id="${id}">${wordsOf(command)}</code></pre>
    <button type="button" data-copy="${id}" aria-describedby="${id}" hidden>Copy</button>
  </div>`
}

/** Browsers break lines after a hyphen: `-url` would read as `- url`. Each word goes to the next line whole, if it fits there. */
function wordsOf(command: string): readonly Html[] {
  return command
    .split(/(\s+)/u)
    .map((part, at) =>
      at % 2 === 1 || !part.includes('-') ? block(part) : html`<span class="word-of">${block(part)}</span>`,
    )
}
