/** A report as a page: the verdict, the root cause with its evidence and next step; below, what is where, when, and how long. */
import type { BaselineJudgement } from '../core/baseline.ts'
import type { Comparison } from '../core/compare-environments.ts'
import type { Report } from '../core/report.ts'
import type { Timeline } from '../core/timeline.ts'
import { matrixPart } from './comparison-page.ts'
import { releaseText } from './text.ts'
import { renderDocument } from './html/document.ts'
import { durationsPart } from './html/durations.ts'
import { findingSections } from './html/findings.ts'
import type { Section } from './html/findings.ts'
import { lookPart, verdictPart } from './html/look.ts'
import type { Html } from './html/markup.ts'
import { html } from './html/markup.ts'
import { timelinePart } from './html/timeline.ts'
import type { ReadFile } from './source-excerpt.ts'

/** What is known beside the report. Plain data. */
export interface ReportContext {
  /** Which migrations are where; null: nothing is known of any. */
  readonly comparison: Comparison | null
  /** Of a watch; null: it was one look. */
  readonly timeline: Timeline | null
  /** Empty: nothing was measured. */
  readonly durations: readonly BaselineJudgement[]
}

export const NO_CONTEXT: ReportContext = { comparison: null, timeline: null, durations: [] }

export function renderReportPage(report: Report, context: ReportContext, readFile: ReadFile = () => null): string {
  const { comparison, timeline, durations } = context
  const sections: readonly Section[] = [
    ...findingSections(report, readFile),
    ...(comparison === null || comparison.migrations.length === 0
      ? []
      : [{ id: 'where', label: 'What is where', content: matrixPart(comparison) }]),
    ...(timeline === null ? [] : [{ id: 'timeline', label: 'Timeline', content: timelinePart(timeline) }]),
    ...(durations.length === 0
      ? []
      : [{ id: 'durations', label: 'Durations', content: durationsPart(durations, timeline !== null) }]),
    { id: 'look', label: 'How it was looked at', content: lookPart(report) },
  ]
  const where = report.environment === null ? '' : ` in ${report.environment}`
  return renderDocument({
    title: `${report.verdict.toUpperCase()}: ${releaseText(report)}${where}`,
    body: html`${verdictPart(report, timeline !== null)} ${contents(sections)}
      <main>${sections.map(sectionMarkup)}</main>`,
  })
}

/** Where a page has little, a list of it is in the way. */
const LEAST_CONTENTS = 3

function contents(sections: readonly Section[]): Html | null {
  if (sections.length < LEAST_CONTENTS) return null
  const links = sections.map(({ id, label }) => html`<li><a href="#${id}">${label}</a></li>`)
  return html`<nav aria-label="on this page">
    <ul>
      ${links}
    </ul>
  </nav>`
}

function sectionMarkup({ id, label, content }: Section): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${label}</h2>
    ${content}
  </section> `
}
