/** A comparison as a picture: one self-contained page, for light and dark, phone and desktop, screen and paper. */
import type { Comparison } from '../core/compare-environments.ts'
import { sourceText } from '../core/compare-environments.ts'
import { counted } from './counts.ts'
import { objectLines } from './comparison-text.ts'
import { timeText } from './time-text.ts'
import { renderDocument } from './html/document.ts'
import { moreItem, shortItem } from './html/finding.ts'
import type { Html } from './html/markup.ts'
import { html, sentence } from './html/markup.ts'
import { renderMatrix } from './matrix.ts'
import { visibleName } from './visible-text.ts'

/** Of thousands those that are not the same everywhere come first; JSON has them all. */
const MOST_ROWS = 300
const MOST_FINDINGS = 100

export function renderComparisonPage(comparison: Comparison): string {
  const { service, release, environments, comparedAt, findings } = comparison
  const name = `${visibleName(service)} ${visibleName(release.version)}`
  const told = findings.slice(0, MOST_FINDINGS).map((finding, at) => shortItem(finding, `finding-${at + 1}`))
  const left = findings.length - told.length
  const rest = moreItem(left)
  return renderDocument({
    title: `${name}: migrations × environments`,
    body: html`<header class="verdict">
        <h1>${name}: ${environments.join(', ')}</h1>
        <p class="when">
          ${counted(findings.length, 'finding')}, compared on
          <time datetime="${comparedAt}">${timeText(comparedAt)}</time>
        </p>
      </header>
      <main>
        <section aria-labelledby="where-title">
          <h2 id="where-title">What is where</h2>
          ${matrixPart(comparison)}
        </section>
        ${
          findings.length === 0
            ? null
            : html`<section aria-labelledby="findings-title">
                <h2 id="findings-title">Findings</h2>
                <ul class="beside">
                  ${told}${rest}
                </ul>
              </section>`
        }
      </main>`,
  })
}

/** The matrix, by what each environment is known, and the objects that differ. */
export function matrixPart(comparison: Comparison): Html {
  const { environments, sources, comparedAt } = comparison
  const seen = environments.flatMap((name) => {
    const source = sources[name]
    return source === undefined ? [] : [html`<li>${sentence(sourceText(name, source, comparedAt))}</li>`]
  })
  const differing = objectLines(comparison).map((line) => html`<li>${sentence(line)}</li>`)
  const objects =
    differing.length === 0
      ? null
      : html`<details>
          <summary>
            ${counted(comparison.objects.length, 'object')} that
            ${comparison.objects.length === 1 ? 'differs' : 'differ'}
          </summary>
          <ul class="plain">
            ${differing}
          </ul>
        </details>`
  return html`<div class="wide" role="region" aria-label="migrations and environments" tabindex="0">
      ${renderMatrix(comparison, { most: MOST_ROWS })}
    </div>
    <ul class="sources">
      ${seen}
    </ul>
    ${objects}`
}
