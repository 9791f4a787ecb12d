import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { finding, FINDING_CODES, type FindingCode } from '../../functions/core/finding.ts'
import type { IncidentPage } from '../../functions/core/incident-page.ts'
import { briefFinding } from '../../functions/core/incident-page.ts'
import type { PageLinks } from '../../functions/outputs/page-text.ts'
import { pageSubject, renderPage } from '../../functions/outputs/page.ts'
import { phraseOf, phraseOfKey } from '../../functions/outputs/page-words.ts'
import { pageSchema } from '../../functions/pages/incident-document.ts'
import { HOSTILE, V42 } from './sample-reports.ts'

const LINKS: PageLinks = {
  dashboard: 'https://console.example/orders-production',
  runbook: 'https://docs.example/findings.html',
}

test('a page of an unknown release says what was deployed, what was looked for, and the command that makes it known', () => {
  const unknown = finding({
    code: 'release-unknown',
    subject: 'ECS service main/orders',
    expected: 'it is known which release this is about',
    found:
      'the deployment of 2026-11-22T10:00:00.000Z carries label orders:7: the store has no release that was published under any of these names',
    nextSteps: [
      { text: 'publish the release under what is deployed', command: 'npx deploywatch publish --label orders:7' },
    ],
  })
  const page = pageOf({ about: 'blind', severity: 'warning', roots: [briefFinding(unknown)], added: [] })
  const { email } = JSON.parse(renderPage(page, LINKS).message) as { readonly email: string }
  const lines = email.split('\n')
  expect(lines[0]).toBe(
    'nobody can say whether orders works in production: the release of ECS service main/orders is not known',
  )
  expect(lines[1]).toContain('carries label orders:7: the store has no release')
  expect(lines.slice(2, 4)).toEqual([
    'next: publish the release under what is deployed',
    'npx deploywatch publish --label orders:7',
  ])
})

function pageOf(own: Partial<IncidentPage> = {}): IncidentPage {
  return {
    schema: 'deploywatch/page/1',
    id: 'orders/production/1/2026-11-22T10:00:04.000Z/1/opened',
    number: 1,
    incident: 'orders/production/1/2026-11-22T10:00:04.000Z',
    kind: 'opened',
    about: 'failure',
    severity: 'critical',
    service: 'orders',
    environment: 'production',
    release: { version: '1.42.0', commit: '9f1c2ab' },
    at: '2026-11-22T10:00:05.000Z',
    since: '2026-11-22T10:00:04.000Z',
    deployedAt: '2026-11-22T10:00:00.000Z',
    roots: [briefFinding(V42)],
    rootCount: 1,
    added: ['migration-missing V42__add_status_note.sql'],
    gone: [],
    newer: null,
    reportPage: null,
    ...own,
  }
}

function protocols(page: IncidentPage, links = LINKS): Readonly<Record<string, string>> {
  return JSON.parse(renderPage(page, links).message) as Readonly<Record<string, string>>
}

describe('a page for people', () => {
  test('says in its first lines what is broken, why, and what to do now', () => {
    const lines = (protocols(pageOf())['email'] ?? '').split('\n')
    expect(lines.slice(0, 4)).toEqual([
      'orders is broken in production: migration V42__add_status_note.sql has not run',
      'why: the job that deploys production has no migration step',
      'next: run the migrations that are missing (takes 3 min to 14 min)',
      'flyway -url="$PRODUCTION_DATABASE_URL" -locations=filesystem:db/migration -outOfOrder=false migrate',
    ])
  })

  test('holds since when, the evidence, the estimate and the links', () => {
    const text = protocols(pageOf())['default'] ?? ''
    for (const part of [
      'deployed: 2026-11-22 10:00:00 UTC',
      'since: 2026-11-22 10:00:04 UTC, for 1 s now',
      'dashboard: https://console.example/orders-production',
      'runbook: https://docs.example/findings.html#migration-missing',
      'public.flyway_schema_history ends at 41',
      'without it: column-missing orders.status_note',
      'npx deploywatch check --env production',
    ]) {
      expect(text).toContain(part)
    }
  })

  test('has no line for a link that there is none of', () => {
    const text = protocols(pageOf(), { dashboard: null, runbook: null })['default'] ?? ''
    expect(text).not.toMatch(/dashboard|runbook|null/)
  })

  test('fits an SMS', () => {
    expect(protocols(pageOf())['sms']).toBe(
      'orders is broken in production: migration V42__add_status_note.sql has not run',
    )
    expect((protocols(pageOf({ service: 'x'.repeat(300) }))['sms'] ?? '').length).toBeLessThanOrEqual(140)
  })

  test('tells what has changed', () => {
    const page = pageOf({
      kind: 'changed',
      added: ['endpoint-failed order-page'],
      gone: ['migration-missing V41.sql', 'of-a-later-version x'],
    })
    const text = protocols(page)['default'] ?? ''
    expect(text).toContain('orders is still broken in production: ')
    expect(text).toContain(
      'new: endpoint order-page fails\ngone: migration V41.sql has not run; of-a-later-version x\n',
    )
  })

  const ended = { at: '2026-11-22T10:42:05.000Z', severity: 'info' } as const
  test.each<[string, Partial<IncidentPage>, string, string]>([
    [
      'resolved',
      { kind: 'resolved', ...ended },
      'RESOLVED orders production after 42 min, was: migration V42__add_status_note.sql has not run',
      'orders works again in production: all checks of 1.42.0 pass',
    ],
    [
      'superseded',
      { kind: 'superseded', ...ended, newer: { version: '1.43.0', commit: null } },
      'SUPERSEDED orders production, not judged yet, was: migration V42__add_status_note.sql has not run',
      'orders 1.43.0 took the place of 1.42.0 in production, and no look has judged it yet',
    ],
    [
      'expired',
      { kind: 'expired', ...ended },
      'EXPIRED orders production, no look for a day, was: migration V42__add_status_note.sql has not run',
      'nobody has looked at orders in production for a day, and it was broken when last seen',
    ],
    [
      'blind',
      {
        about: 'blind',
        severity: 'warning',
        roots: [
          finding({ code: 'database-unreachable', subject: 'orders', expected: 'it answers', found: 'it does not' }),
        ],
      },
      'CANNOT LOOK at orders production: database orders cannot be reached',
      'nobody can say whether orders works in production: database orders cannot be reached',
    ],
    [
      'seeing again',
      { about: 'blind', kind: 'resolved', ...ended },
      'CAN LOOK AGAIN at orders production after 42 min',
      'orders in production can be looked at again',
    ],
    [
      'several',
      { rootCount: 3 },
      'OPENED orders production: migration V42__add_status_note.sql has not run, and 2 more',
      'orders is broken in production: migration V42__add_status_note.sql has not run, and 2 more',
    ],
  ])('when %s', (_what, own, subject, first) => {
    expect(pageSubject(pageOf(own))).toBe(subject)
    expect((protocols(pageOf(own))['default'] ?? '').split('\n')[0]).toBe(first)
  })
})

describe('a page for programs', () => {
  test('is the same document for each of their protocols', () => {
    const all = protocols(pageOf())
    for (const name of ['http', 'https', 'sqs', 'lambda', 'firehose', 'email-json']) expect(all[name]).toBe(all['sqs'])
    expect(JSON.parse(all['sqs'] ?? '')).toMatchObject({
      schema: 'deploywatch/page/1',
      id: pageOf().id,
      incident: pageOf().incident,
      kind: 'opened',
      severity: 'critical',
      service: 'orders',
      environment: 'production',
      release: { version: '1.42.0', commit: '9f1c2ab' },
      since: '2026-11-22T10:00:04.000Z',
      findings: [{ code: 'migration-missing', subject: 'V42__add_status_note.sql' }],
      links: { runbook: 'https://docs.example/findings.html#migration-missing' },
    })
  })

  test('has what a filter policy asks for', () => {
    expect(renderPage(pageOf(), LINKS).attributes).toEqual({
      service: 'orders',
      environment: 'production',
      severity: 'critical',
      kind: 'opened',
      about: 'failure',
      code: 'migration-missing',
    })
    // SNS refuses an attribute without a value.
    for (const value of Object.values(renderPage(pageOf({ service: '', roots: [] }), LINKS).attributes)) {
      expect(value).not.toBe('')
    }
  })
})

test.each(Object.keys(FINDING_CODES) as FindingCode[])('%s can be read aloud', (code) => {
  expect(phraseOf(code, 'x$&y')).toContain('x$&y')
  expect(phraseOfKey(`${code} a b`)).toBe(phraseOf(code, 'a b'))
})

describe('whatever anybody called anything', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.constantFrom(HOSTILE.service, 'Bestellungen für Köln', '注文', '', 'x'.repeat(5_000), '\u2028\uFFFF\uD800'),
  )
  const drawn = fc.record({
    service: text,
    environment: text,
    release: fc.record({ version: text, commit: fc.option(text) }),
    kind: fc.constantFrom(
      'opened' as const,
      'changed' as const,
      'resolved' as const,
      'superseded' as const,
      'expired' as const,
    ),
    about: fc.constantFrom('failure' as const, 'blind' as const),
    roots: fc.array(
      fc.record({ subject: text, found: text, command: fc.option(text) }).map(({ subject, found, command }) =>
        briefFinding({
          ...V42,
          subject,
          found,
          nextSteps: [{ text: found, command }],
          causes: [{ text: subject, evidence: found }],
        }),
      ),
      { maxLength: 3 },
    ),
    added: fc.array(text, { maxLength: 20 }),
  })

  test('SNS takes it: subject, size, characters, attributes', () => {
    fc.assert(
      fc.property(drawn, (own) => {
        const page = pageOf({ ...own, rootCount: own.roots.length })
        const { subject, message, attributes } = renderPage(page, LINKS)
        expect(subject).toMatch(/^[A-Z][\x20-\x7E]{0,99}$/)
        const size = Object.entries(attributes).reduce((sum, pair) => sum + Buffer.byteLength(pair.join('')) + 6, 0)
        expect(Buffer.byteLength(message) + size).toBeLessThanOrEqual(262_144)
        const all = JSON.parse(message) as Record<string, unknown>
        for (const value of Object.values(all)) expect(typeof value).toBe('string')
        expect(message).not.toMatch(/[\u007F-\u009F\u2028\uFFFE\uFFFF]|\p{Cf}|\p{Cs}/u)
        expect(String(all['default']).replaceAll(/[\n\t]/g, '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
        for (const value of Object.values(attributes)) expect(value).not.toMatch(/^$|[\p{Cc}\p{Cs}]/u)
        expect(pageSchema().safeParse(JSON.parse(JSON.stringify(page))).success).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('the largest page keeps its headline and its first command', () => {
    const huge = '記'.repeat(5_000)
    const root = briefFinding({
      ...V42,
      expected: huge,
      found: huge,
      causes: Array.from({ length: 9 }, () => ({ text: huge, evidence: huge })),
      consequences: Array.from({ length: 90 }, () => huge),
      nextSteps: Array.from({ length: 9 }, () => ({ text: huge, command: '記'.repeat(1_000) })),
    })
    const { message } = renderPage(pageOf({ roots: [root, root, root], rootCount: 3 }), LINKS)
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(262_144)
    expect((JSON.parse(message) as { default: string }).default).toContain(
      'migration V42__add_status_note.sql has not run',
    )
    expect((JSON.parse(message) as { default: string }).default).toContain('記'.repeat(1_000))
  })
})
