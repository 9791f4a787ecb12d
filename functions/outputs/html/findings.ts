/** The findings of a report, in the order of a person on call: what is wrong, what nobody could see, what else was seen. */
import type { Finding, Severity } from '../../core/finding.ts'
import type { Report } from '../../core/report.ts'
import { cap } from '../counts.ts'
import { blindFirst, byCode, IN_FULL } from '../finding-order.ts'
import type { ReadFile } from '../source-excerpt.ts'
import { findingCard, moreItem, shortItem } from './finding.ts'
import type { Html } from './markup.ts'
import { html } from './markup.ts'

/** So many cards in a section, and so many rows in each list: a report of thousands stays a page that opens at once. */
const MOST_CARDS = 24
const MOST_ROWS = 200
const MOST_SHORT = 5

export interface Section {
  readonly id: string
  /** In the page's list of contents. */
  readonly label: string
  readonly content: Html
}

export function findingSections({ findings }: Report, readFile: ReadFile): readonly Section[] {
  const of = (...severities: readonly Severity[]): readonly Finding[] =>
    findings.filter(({ severity }) => severities.includes(severity))
  return [
    ...cardSection('wrong', 'What is wrong', of('error'), readFile, null),
    ...cardSection('unsure', 'What could not be checked', blindFirst(of('unsure')), readFile, DOUBT),
    ...shortSection(of('warning', 'info')),
  ]
}

const DOUBT = html`<p>It may be fine or broken: it does not count as a pass.</p>`

function cardSection(
  id: string,
  label: string,
  findings: readonly Finding[],
  readFile: ReadFile,
  remark: Html | null,
): readonly Section[] {
  if (findings.length === 0) return []
  const parts: Html[] = []
  let cards = 0
  for (const [groupAt, group] of byCode(findings).entries()) {
    const full = cap(group, IN_FULL).shown.slice(0, Math.max(0, MOST_CARDS - cards))
    cards += full.length
    for (const [at, finding] of full.entries())
      parts.push(findingCard(finding, { id: `${id}-${groupAt + 1}-${at + 1}`, readFile, before: full[at - 1] ?? null }))
    const rest = group.slice(full.length)
    if (rest.length > 0) parts.push(listOf(rest))
  }
  return [{ id, label, content: html`${remark}${parts}` }]
}

function listOf(findings: readonly Finding[]): Html {
  const { shown, left } = cap(findings, MOST_ROWS)
  const rows = shown.map(({ subject, consequences }) => {
    const explains =
      consequences.length === 0 ? null : html` <span class="muted">explains ${consequences.length} more</span>`
    return html`<li><code>${subject}</code>${explains}</li>`
  })
  const [{ code, severity } = { code: null, severity: 'error' }] = findings
  return html`<details class="card list ${severity}">
    <summary>${findings.length} more: <code>${code}</code></summary>
    <ul class="plain">
      ${rows}${moreItem(left)}
    </ul>
  </details>`
}

/** Warnings and information: what was found, and what to do only where somebody asks. */
function shortSection(findings: readonly Finding[]): readonly Section[] {
  if (findings.length === 0) return []
  const items = byCode(findings).flatMap((group, groupAt) => {
    const { shown } = cap(group, MOST_SHORT)
    const rest = group.slice(shown.length)
    const told = shown.map((finding, at) => shortItem(finding, `beside-${groupAt + 1}-${at + 1}`))
    return rest.length === 0 ? told : [...told, html`<li>${listOf(rest)}</li>`]
  })
  return [
    {
      id: 'beside',
      label: 'What else was seen',
      content: html`<ul class="beside">
        ${items}
      </ul>`,
    },
  ]
}
