/** One finding as a card: what was found, why, what to do, how long that takes; what else it explains is folded. */
import type { Cause, Finding } from '../../core/finding.ts'
import { cap } from '../counts.ts'
import { consequenceLabel, stepFields } from '../finding-text.ts'
import { phraseAround, phraseOfKey } from '../page-words.ts'
import { sourceExcerpt } from '../source-excerpt.ts'
import type { ReadFile } from '../source-excerpt.ts'
import { commandBox } from './command.ts'
import { estimatePart } from './estimate.ts'
import type { Html } from './markup.ts'
import { block, html, sentence } from './markup.ts'

export interface FindingOptions {
  /** Unique in the page. */
  readonly id: string
  readonly readFile: ReadFile
  /** The finding of the same code that was shown before: what both say is not said again. */
  readonly before: Finding | null
}

const MOST_CONSEQUENCES = 100
const MOST_PLACES = 3
const COLUMNS = 120

export function findingCard(finding: Finding, options: FindingOptions): Html {
  const { id, before } = options
  const { code, severity, causes, nextSteps, estimate } = finding
  return html`<article class="card ${severity}" aria-labelledby="${id}">
    <p class="kicker"><span class="severity">${severity}</span> <code>${code}</code></p>
    <h3 id="${id}">${titleOf(finding)}</h3>
    <p class="found">${sentence(finding.found)}</p>
    ${isSame(before?.causes, causes) ? null : causesPart(causes)}
    ${isSame(before?.nextSteps, nextSteps) ? null : stepsPart(nextSteps, id)} ${asAbove(finding, before)}
    ${estimate === null ? null : estimatePart(estimate)} ${consequencesPart(finding)} ${placesPart(finding, options)}
  </article>`
}

/** 'migration V42__add_status_note.sql has not run', the name in its own type. */
function titleOf({ code, subject }: Pick<Finding, 'code' | 'subject'>): Html {
  const [before, after] = phraseAround(code)
  return html`${before}<code>${subject}</code>${after}`
}

function isSame(one: readonly unknown[] | undefined, other: readonly unknown[]): boolean {
  return other.length > 0 && JSON.stringify(one) === JSON.stringify(other)
}

function asAbove({ causes, nextSteps }: Finding, before: Finding | null): Html | null {
  const same = [
    ...(isSame(before?.causes, causes) ? ['why'] : []),
    ...(isSame(before?.nextSteps, nextSteps) ? ['what to do next'] : []),
  ]
  return same.length === 0 ? null : html`<p class="muted">${same.join(' and ')}: as above</p>`
}

/** Those with evidence first; without it one is only possible, and is called that. */
function causesPart(causes: readonly Cause[]): Html | null {
  if (causes.length === 0) return null
  const proven = causes.flatMap(({ text, evidence }) =>
    evidence === null
      ? []
      : [
          html`<li>
            ${sentence(text)}
            <p class="evidence"><span>evidence</span> ${sentence(evidence)}</p>
          </li>`,
        ],
  )
  const possible = causes.flatMap(({ text, evidence }) =>
    evidence === null ? [html`<li class="possible"><span>possible</span> ${sentence(text)}</li>`] : [],
  )
  return html`<section class="part">
    <h4>Why</h4>
    <ul class="causes">
      ${proven}${possible}
    </ul>
  </section>`
}

/** @param id of the finding */
function stepsPart(steps: Finding['nextSteps'], id: string): Html | null {
  if (steps.length === 0) return null
  // Their numbers say the order.
  const items = stepFields(steps).map(
    ([, text, command], at) =>
      html`<li>${sentence(text)}${command === null ? null : commandBox(command, `${id}-command-${at + 1}`)}</li>`,
  )
  return html`<section class="part next">
    <h4>Next</h4>
    <ol class="steps">
      ${items}
    </ol>
  </section>`
}

const EXPLAINS: Readonly<Record<ReturnType<typeof consequenceLabel>, (count: number) => string>> = {
  'without it': (count) => `Without it ${count} more ${count === 1 ? 'is' : 'are'} missing or broken`,
  explains: (count) => `Explains ${count} more`,
  'not judged': (count) => `Because of it ${count} more ${count === 1 ? 'is' : 'are'} not judged`,
}

function consequencesPart(finding: Finding): Html | null {
  const { consequences } = finding
  if (consequences.length === 0) return null
  const { shown, left } = cap(consequences, MOST_CONSEQUENCES)
  const items = shown.map((key) => html`<li>${phraseOfKey(key)}</li>`)
  return html`<details>
    <summary>${EXPLAINS[consequenceLabel(finding)](consequences.length)}</summary>
    <ul class="plain">
      ${items}${moreItem(left)}
    </ul>
  </details>`
}

/** What was not listed; null: nothing. */
export function moreItem(left: number): Html | null {
  return left === 0 ? null : html`<li class="left">and ${left} more: <code>--format json</code> lists them all</li>`
}

function placesPart({ code, expected, source }: Finding, { id, readFile, before }: FindingOptions): Html {
  const { shown, left } = cap(source, MOST_PLACES)
  const places = shown.map((place) => {
    const lines = sourceExcerpt(place, readFile, COLUMNS)
    const excerpt = lines.map(({ number, text }) => html`<span class="line">${number}</span>${block(`${text}\n`)}`)
    return html`<dd>
      <code>${place.file}:${place.line}</code>${lines.length === 0 ? null : html`<pre class="excerpt">${excerpt}</pre>`}
    </dd>`
  })
  const more = left === 0 ? null : html`<dd>and ${left} more</dd>`
  const explain = before === null ? commandBox(`npx deploywatch explain ${code}`, `${id}-explain`) : null
  return html`<details>
    <summary>What was expected, and where that comes from</summary>
    <dl class="facts">
      <dt>expected</dt>
      <dd>${sentence(expected)}</dd>
      ${
        source.length === 0
          ? null
          : html`<dt>comes from</dt>
              ${places}${more}`
      }${
        explain === null
          ? null
          : html`<dt>what the code means</dt>
              <dd>${explain}</dd>`
      }
    </dl>
  </details>`
}

/** A finding of a list: what to do is folded. @param id unique in the page */
export function shortItem(finding: Finding, id: string): Html {
  const { severity, code, found, nextSteps } = finding
  const steps =
    nextSteps.length === 0
      ? null
      : html`<details>
          <summary>What to do</summary>
          ${stepsPart(nextSteps, id)}
        </details>`
  return html`<li class="${severity}">
    <p class="kicker"><span class="severity">${severity}</span> <code>${code}</code></p>
    <h3>${titleOf(finding)}</h3>
    <p>${sentence(found)}</p>
    ${steps}
  </li>`
}
