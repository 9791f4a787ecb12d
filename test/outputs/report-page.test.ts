import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { renderComparisonPage } from '../../functions/outputs/comparison-page.ts'
import { NO_CONTEXT, renderReportPage } from '../../functions/outputs/report-page.ts'
import { COMPARISON, DURATIONS, OF_LOOK, OF_WATCH, TIMELINE } from './sample-context.ts'
import { arbitraryReport, HOSTILE, INCIDENT, MANY, PASS, reportOf, UNSURE, V42, V42_TEXT } from './sample-reports.ts'

const readFile = (path: string): string | null => (path.endsWith('V42__add_status_note.sql') ? V42_TEXT : null)

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', '#39': "'" }

function unescaped(markup: string): string {
  return markup.replaceAll(/&(lt|gt|amp|quot|#39);/gu, (_, name: string) => ENTITIES[name] ?? '')
}

const BLOCKS =
  'h[1-6]|p|li|ul|ol|dl|dt|dd|tr|td|th|table|caption|header|section|article|details|summary|div|pre|button|nav|main'

/** Without elements that are only drawn, and what is in them. */
function withoutHidden(markup: string): string {
  let depth = 0
  return markup
    .split(/(<[^>]*>)/u)
    .filter((part) => {
      const begins = / aria-hidden="true"/u.test(part)
      const isShown = depth === 0 && !begins
      if (begins || (depth > 0 && /^<[a-z]/u.test(part))) depth += 1
      else if (depth > 0 && part.startsWith('</')) depth -= 1
      return isShown
    })
    .join('')
}

/** What is read aloud, in its order: one line a block, without what is only drawn. */
function spoken(page: string): string {
  const lines = withoutHidden(page.slice(page.indexOf('<body>'), page.indexOf('<script>')))
    .split(/(<pre[ >].*?<\/pre>)/su)
    .map((part, at) => (at % 2 === 1 ? part : part.replaceAll('\n', ' ')))
    .join('')
    .replaceAll(/<br \/>/gu, '\n')
    .replaceAll(/<summary>/gu, '\n(folded) ')
    .replaceAll(new RegExp(`</?(?:${BLOCKS})(?: [^>]*)?>`, 'gu'), '\n')
    .replaceAll(/<[^>]*>/gu, '')
    .split('\n')
    .map((line) => line.replaceAll(/ +/gu, ' ').trim())
  return `${unescaped(lines.filter((line) => line !== '').join('\n'))}\n`
}

describe('is read aloud as agreed, the verdict first', () => {
  test.each([
    ['incident', renderReportPage(INCIDENT, OF_LOOK, readFile)],
    ['unsure', renderReportPage(UNSURE, NO_CONTEXT)],
    ['many', renderReportPage(MANY, NO_CONTEXT)],
    ['watch', renderReportPage(reportOf([], { durationMs: 901_000 }), OF_WATCH)],
    ['comparison', renderComparisonPage(COMPARISON)],
  ])('%s', async (name, page) => {
    await expect(spoken(page)).toMatchFileSnapshot(`golden/${name}.page.txt`)
  })
})

test('what a finding explains and where it comes from is folded, and nothing else of it', () => {
  const page = renderReportPage(INCIDENT, NO_CONTEXT, readFile)
  const open = page.replaceAll(/<details>.*?<\/details>/gsu, '')
  for (const shown of ['no step before it migrates', 'an older image', 'flyway -url', '3 min to 14 min', '10.2 times'])
    expect(spoken(open)).toContain(shown)
  for (const folded of ['column orders.status_note is missing', 'ADD COLUMN status_note']) {
    expect(spoken(open)).not.toContain(folded)
    expect(spoken(page)).toContain(folded)
  }
})

test('the bar of an estimate reaches from its low to its high end of the scale', () => {
  // 184 s and 836 s of 900 s.
  expect(renderReportPage(INCIDENT, NO_CONTEXT)).toContain('style="left:20.44%;width:72.44%"')
})

test('a command is on the page as it is pasted, whatever markup keeps its words together', () => {
  for (const { command } of V42.nextSteps) {
    const page = renderReportPage(INCIDENT, NO_CONTEXT)
    const boxes = [...page.matchAll(/<code id="[\w-]+">(.*?)<\/code>/gsu)].map(([, code = '']) => code)
    expect(boxes.map((code) => unescaped(code.replaceAll(/<[^>]*>/gu, '')))).toContain(command)
  }
})

test('one look judges no duration: it is shown beside those before', () => {
  const page = renderReportPage(PASS, {
    ...NO_CONTEXT,
    durations: DURATIONS.filter(({ name }) => name === 'customers'),
  })
  expect(page).toContain('<dt>now</dt>')
  expect(page).not.toMatch(/too few|after the deployment/u)
})

/** Tags of ours, with attributes of ours, as they are written. */
const TAG =
  /^<(?:!doctype html|(?:meta|link|html|head|body)(?: [a-z-]+="[^"<>]*")*|\/?[a-z][a-z0-9]*(?: (?:class|id|style|href|lang|scope|colspan|title|datetime|type|role|tabindex|data-copy|aria-[a-z]+)="[^"<>]*"| hidden)*)(?: \/)?>$/u

function onlyOurTags(page: string): void {
  const body = page.replace(/<script>.*<\/script>/su, '').replace(/<style>.*<\/style>/su, '')
  const tags = [...body.matchAll(/<[^>]*>/gu)].map(([tag]) => tag.replaceAll('\n', ' '))
  expect(tags.filter((tag) => !TAG.test(tag))).toEqual([])
  expect(body.replaceAll(/<[^>]*>/gu, '')).not.toMatch(/[<>]/u)
  for (const [, value = ''] of body.matchAll(/href="([^"]*)"/gu)) expect(value).toMatch(/^#[a-z]+$/u)
  expect(page).not.toMatch(/(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
}

describe('nothing from outside becomes markup', () => {
  test('names that are scripts, quotes and entities', () => {
    const page = renderReportPage(HOSTILE, NO_CONTEXT)
    onlyOurTags(page)
    expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;')
  })

  test('any text at all, in any place of a report', () => {
    fc.assert(fc.property(arbitraryReport(), (report) => onlyOurTags(renderReportPage(report, OF_WATCH))))
  })

  test('names of environments, migrations, releases, pages and measurements', () => {
    const evil = '"><script>alert(1)</script>'
    const migrations = [{ subject: evil, states: { [evil]: { state: 'failed', at: evil, tookMs: null } as const } }]
    const sources = { [evil]: { from: null, seenAt: null, server: null, why: evil } }
    const objects = [{ code: evil, subject: evil, migration: evil, found: { [evil]: evil } }]
    const comparison = { ...COMPARISON, service: evil, environments: [evil], sources, migrations, objects }
    const events = [
      { kind: 'deployed', at: TIMELINE.startedAt, release: { version: evil, commit: null } },
      { kind: 'page', page: 'opened', about: 'drift', at: TIMELINE.startedAt, key: evil, rootCount: 1 },
      { kind: 'ended', at: TIMELINE.startedAt, how: { kind: 'superseded', by: evil }, verdict: 'unsure' },
    ] as const
    const durations = DURATIONS.map((one) => ({ ...one, name: evil, text: evil, rows: evil }))
    onlyOurTags(renderReportPage(PASS, { comparison, timeline: { ...TIMELINE, events }, durations }))
    onlyOurTags(renderComparisonPage(comparison))
  })
})

test('nothing is loaded, and no script runs but the one whose hash the page names', () => {
  for (const page of [renderReportPage(INCIDENT, OF_WATCH), renderComparisonPage(COMPARISON)]) {
    const scripts = [...page.matchAll(/<script>(.*?)<\/script>/gsu)].map(([, text = '']) => text)
    expect(scripts).toHaveLength(1)
    const hash = createHash('sha256')
      .update(scripts[0] ?? '')
      .digest('base64')
    expect(page).toContain(`default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'`)
    expect(page).not.toMatch(/https?:\/\/|@import|url\(|src=/u)
  }
})

test('thousands of findings and of migrations stay a page that opens at once', () => {
  const count = 5_000
  const findings = Array.from({ length: count }, (_, nth) => ({
    ...V42,
    subject: `V${nth}__step.sql`,
    consequences: Array.from({ length: 20 }, (_unused, at) => `column-missing orders.column_${nth}_${at}`),
  }))
  const migrations = findings.map(({ subject }) => ({
    subject,
    states: {
      staging: { state: 'applied', at: null, tookMs: 5 },
      production: { state: 'missing', at: null, tookMs: null },
    } as const,
  }))
  const began = performance.now()
  const page = renderReportPage(
    reportOf(findings),
    { ...OF_WATCH, comparison: { ...COMPARISON, migrations } },
    readFile,
  )
  expect(performance.now() - began).toBeLessThan(1_000)
  expect(Buffer.byteLength(page)).toBeLessThan(300_000)
  expect(page).toContain('4997 more: <code>migration-missing</code>')
  expect(page).toContain('and 4797 more: <code>--format json</code> lists them all')
  expect(page).toContain('and 4700 more, older ones')
})
