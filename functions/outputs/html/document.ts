/** The shell of every page: one self-contained file, for light and dark, phone and desktop, screen and paper. */
import type { Html } from './markup.ts'
import { html, trusted } from './markup.ts'
import { SCRIPT_ELEMENT, SCRIPT_HASH } from './script.ts'
import { STYLE_ELEMENT } from './style.ts'

export interface Page {
  readonly title: string
  /** All of `<body>` but the script. One `<h1>`, within landmarks. */
  readonly body: Html
}

/** Nothing is loaded, from anywhere: not even by what would get past the escaping. */
const POLICY = `default-src 'none'; style-src 'unsafe-inline'; script-src '${SCRIPT_HASH}'; base-uri 'none'; form-action 'none'`

export function renderDocument({ title, body }: Page): string {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${trusted(POLICY)}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <meta name="robots" content="noindex" />
        <title>${title}</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        ${body}
        <p id="status" role="status" class="unseen"></p>
        ${SCRIPT_ELEMENT}
      </body>
    </html>`
  return `${page.markup}\n`
}
