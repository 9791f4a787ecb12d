/** Every format of `--format`, and what renders it. */
import type { Report } from '../core/report.ts'
import { renderJson } from './json.ts'
import { renderJunit } from './junit.ts'
import { renderMarkdown } from './markdown.ts'
import type { ReportContext } from './report-page.ts'
import { NO_CONTEXT, renderReportPage } from './report-page.ts'
import { renderText, type TextOptions } from './text.ts'

export interface RenderOptions extends TextOptions {
  /** What is known beside the report; only a page shows it. */
  readonly context?: ReportContext
}

export type RenderReport = (report: Report, options: RenderOptions) => string

export const OUTPUT_FORMATS = {
  text: renderText,
  json: renderJson,
  markdown: renderMarkdown,
  junit: renderJunit,
  html: (report, { context = NO_CONTEXT, readFile }) => renderReportPage(report, context, readFile),
} as const satisfies Record<string, RenderReport>
