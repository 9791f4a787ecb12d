/** What is told after each look of a watch, and where people read it. */
import { expect, test } from 'vitest'
import { WATCH_BEGINS } from '../../functions/core/watch.ts'
import { addLook } from '../../functions/core/watch-history.ts'
import type { Documents, VersionedDocument } from '../../functions/stores/documents.ts'
import { StoreError } from '../../functions/stores/store.ts'
import type { WindowNews } from '../../functions/watch-window/step-window.ts'
import type { TellPorts } from '../../functions/watch-window/tell-window.ts'
import { tellWindow } from '../../functions/watch-window/tell-window.ts'
import type { IncidentPage } from '../../functions/core/incident-page.ts'
import { INCIDENT, PASS } from '../outputs/sample-reports.ts'

const URL_OF_PAGE = 'https://eu-west-1.console.aws.amazon.com/s3/object/store?prefix=reports%2Fwatch.html'

type PutReportPage = TellPorts['store']['putReportPage']

interface Told {
  readonly pages: readonly IncidentPage[]
  readonly written: readonly { readonly name: string; readonly page: string }[]
  readonly said: readonly string[]
}

async function tell(news: readonly WindowNews[], putReportPage?: PutReportPage): Promise<Told> {
  const documents = new Map<string, VersionedDocument>()
  const pages: IncidentPage[] = []
  const written: { name: string; page: string }[] = []
  const said: string[] = []
  const kept: Documents = {
    document: async (key) => documents.get(key) ?? null,
    putDocument: async (key, text, version) => {
      if ((documents.get(key)?.version ?? null) !== version) return false
      documents.set(key, { text, version: String(documents.size + Number(version ?? 0) + 1) })
      return true
    },
  }
  const ports: TellPorts = {
    store: {
      ...kept,
      published: async () => [],
      manifest: async () => null,
      runningRelease: async () => null,
      putRunningRelease: async () => undefined,
      evidence: async () => [],
      putReport: async () => undefined,
      putReportPage:
        putReportPage ??
        (async (_service, _environment, name, page) => {
          written.push({ name, page })
          return URL_OF_PAGE
        }),
    },
    incidents: {
      documents: kept,
      carrier: {
        publish: async (_topic, page) => {
          pages.push(page)
          return { kind: 'taken' }
        },
        park: async () => ({ kind: 'taken' }),
        notify: async () => ({ kind: 'taken' }),
      },
      topics: ['arn:aws:sns:eu-west-1:000000000000:pages'],
      clock: () => Date.parse(INCIDENT.startedAt) + 1_000,
      sleep: async () => undefined,
      random: () => 0.5,
      newId: () => 'run',
      tell: () => undefined,
    },
    metrics: { client: { send: async () => ({}) } as never, sleep: async () => undefined, random: () => 0.5 },
    clock: () => Date.parse(INCIDENT.startedAt) + 1_000,
    sleep: async (_ms, signal) =>
      new Promise((resolve) => {
        // Time passes only for whoever hangs.
        if (putReportPage !== undefined) setTimeout(resolve, 20)
        signal.addEventListener('abort', () => resolve(), { once: true })
      }),
    tell: (what, why) => void said.push(`${what}: ${why}`),
  }
  for (const one of news) await tellWindow(ports, one)
  return { pages, written, said }
}

const plan = { forMs: 60_000, deadlineMs: 20_000, required: ['ledger'] }
const about = {
  service: INCIDENT.service,
  environment: INCIDENT.environment ?? '',
  release: INCIDENT.release,
  startedAt: INCIDENT.startedAt,
}
const NEWS: WindowNews = {
  kind: 'over',
  order: {
    watch: 'codedeploy d-123',
    service: about.service,
    environment: about.environment,
    release: { by: 'version', version: '1.42.0' },
    releaseUnknown: null,
    deployedAt: INCIDENT.startedAt,
    deployed: true,
    plan,
  },
  state: {
    ...WATCH_BEGINS,
    looks: 1,
    history: addLook([], { outcome: 'fail', found: ['migration-missing V42'], why: null, beganMs: 0 }),
  },
  about,
  report: INCIDENT,
  firstVerdict: true,
  failing: true,
  superseded: false,
  timeline: { startedAt: INCIDENT.startedAt, forMs: 60_000, events: [], forgotten: 0 },
  durations: [],
}

test('a page names the report that stands in the store, and that shows the page in its timeline', async () => {
  const { pages, written } = await tell([NEWS])
  expect(pages).toMatchObject([{ kind: 'opened', reportPage: URL_OF_PAGE }])
  expect(written).toHaveLength(2)
  expect(new Set(written.map(({ name }) => name)).size).toBe(1)
  expect(written[0]?.page).toContain('<title>FAIL: orders')
  expect(written[0]?.page).not.toMatch(/page[^<]*opened|opened[^<]*page/iu)
  expect(written[1]?.page.length).toBeGreaterThan(written[0]?.page.length ?? 0)
})

test('while all is well the report is written after the first look and at the end', async () => {
  const well = { ...NEWS, report: { ...PASS, ...about }, failing: false, state: { ...WATCH_BEGINS, looks: 1 } }
  const { written } = await tell([
    { ...well, kind: 'looked' },
    { ...well, kind: 'looked', firstVerdict: false },
    { ...well, kind: 'looked', firstVerdict: false },
  ])
  expect(written).toHaveLength(1)
})

test.each<[string, PutReportPage, RegExp]>([
  ['refuses it', async () => Promise.reject(new StoreError('denied', 'denied')), /^report page: denied/u],
  ['hangs', async () => new Promise(() => undefined), /^report page: it was not written within 4 s/u],
])('a store that %s costs the link, not the page', async (_what, putReportPage, why) => {
  const { pages, said } = await tell([NEWS], putReportPage)
  expect(pages).toMatchObject([{ kind: 'opened', reportPage: null }])
  expect(said[0]).toMatch(why)
})
