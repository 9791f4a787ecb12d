/** Every format of `--format`, and what renders it. */
import type { Report } from '../core/report.ts'
import { renderJson } from './json.ts'
import { renderJunit } from './junit.ts'
import { renderMarkdown } from './markdown.ts'
import { renderText, type TextOptions } from './text.ts'

export type RenderReport = (report: Report, options: TextOptions) => string

export const OUTPUT_FORMATS = {
  text: renderText,
  json: renderJson,
  markdown: renderMarkdown,
  junit: renderJunit,
} as const satisfies Record<string, RenderReport>
