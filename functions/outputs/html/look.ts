/** The verdict, and how it was come by: checks, server, notes. */
import type { Report } from '../../core/report.ts'
import { cap } from '../counts.ts'
import { durationText } from '../../core/duration-text.ts'
import { timeText } from '../time-text.ts'
import { roundTripsText, severityCounts, verdictClause } from '../text.ts'
import { moreItem } from './finding.ts'
import type { Html } from './markup.ts'
import { html, sentence } from './markup.ts'

const SIGNS = { pass: '✓', fail: '✗', unsure: '?', skipped: '–' } as const

const MOST_NOTES = 60

/** @param watched through a window, in which there were looks; else it was one look */
export function verdictPart(report: Report, watched: boolean): Html {
  const { verdict, checks, startedAt, durationMs } = report
  const counts = severityCounts(report)
  const chips = checks.map(
    ({ name, outcome, durationMs: took }) =>
      html`<li class="${outcome}">
        <span class="sign" aria-hidden="true">${SIGNS[outcome]}</span> ${name}
        ${outcome === 'skipped' ? null : html`<span class="unseen">${outcome}</span>`}
        <span>${outcome === 'skipped' ? outcome : durationText(took)}</span>
      </li>`,
  )
  return html`<header class="verdict ${verdict}">
    <p class="word"><span class="sign" aria-hidden="true">${SIGNS[verdict]}</span>${verdict.toUpperCase()}</p>
    <h1>${report.environment === null ? `the pipelines of ${report.service}` : verdictClause(report)}</h1>
    <p class="when">
      ${counts.length === 0 ? null : html`<strong>${counts.join(', ')}</strong>, `}${watched ? 'watched from' : 'looked at on'}
      <time datetime="${startedAt}">${timeText(startedAt)}</time>, for ${durationText(durationMs)}
    </p>
    ${
      chips.length === 0
        ? null
        : html`<ul class="checks" aria-label="checks">
            ${chips}
          </ul>`
    }
  </header>`
}

export function lookPart({ environment, checks, database, notes, durationMs }: Report): Html {
  const skipped = checks.filter(({ outcome }) => outcome === 'skipped').map(({ name }) => name)
  const unreached = environment === null ? 'no database was looked at' : 'no database was reached'
  const server =
    database === null
      ? unreached
      : `${database.engine} ${database.version}, ${roundTripsText(database.roundTrips)}, ${database.bytesRead} bytes`
  const { shown, left } = cap(notes, MOST_NOTES)
  const list =
    notes.length === 0
      ? null
      : html`<ul class="notes">
          ${shown.map((note) => html`<li>${sentence(note)}</li>`)}${moreItem(left)}
        </ul>`
  const unknown = skipped.length === 0 ? null : html`<p>Skipped, so nothing is known of: ${skipped.join(', ')}</p>`
  return html`<p>${server}; ${durationText(durationMs)} in all</p>
    ${unknown}${list}`
}
