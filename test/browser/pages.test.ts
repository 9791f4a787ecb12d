/** The pages as people get them, in a real browser: read, copied from, printed, with the keyboard and by a screen reader's rules. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import axe from 'axe-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { renderComparisonPage } from '../../functions/outputs/comparison-page.ts'
import { renderMatrix } from '../../functions/outputs/matrix.ts'
import { NO_CONTEXT, renderReportPage } from '../../functions/outputs/report-page.ts'
import { COMPARISON, DURATIONS, OF_LOOK, OF_WATCH } from '../outputs/sample-context.ts'
import { HOSTILE, INCIDENT, MANY, PASS, reportOf, UNSURE, V42, V42_TEXT } from '../outputs/sample-reports.ts'
import { findChromium } from './chromium.ts'

const executablePath = await findChromium()

const INCIDENT_PAGE = renderReportPage(INCIDENT, OF_LOOK, () => V42_TEXT)

const PAGES = {
  incident: INCIDENT_PAGE,
  pass: renderReportPage(PASS, { ...OF_LOOK, durations: DURATIONS }),
  unsure: renderReportPage(UNSURE, NO_CONTEXT),
  many: renderReportPage(MANY, NO_CONTEXT),
  hostile: renderReportPage(HOSTILE, NO_CONTEXT),
  watch: renderReportPage(reportOf([]), OF_WATCH),
  comparison: renderComparisonPage(COMPARISON),
} as const

/** As a dashboard shows what its widget answers: among its own colours, light or dark. */
const widgetOn = (colours: string): string =>
  `<!doctype html><html lang="en"><head><title>widget</title></head><body style="${colours}"><main><h1>orders</h1>${renderMatrix(COMPARISON, { most: 40 }).markup}</main></body></html>`

const PHONE = { width: 375, height: 812 }
const DESKTOP = { width: 1280, height: 900 }

let browser: Browser
let folder = ''

beforeAll(async () => {
  if (executablePath === null) return
  folder = await mkdtemp(join(tmpdir(), 'deploywatch-pages-'))
  // As root, in a container, Chromium has no sandbox of its own.
  browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] })
})

afterAll(async () => {
  await browser?.close()
  if (folder !== '') await rm(folder, { recursive: true })
})

interface Opened {
  readonly page: Page
  /** What it asked for, and what it complained of. */
  readonly requests: readonly string[]
  readonly complaints: readonly string[]
}

/** Opens the page as the file that people get, does something with it, and closes it. */
async function opened<T>(
  markup: string,
  options: BrowserContextOptions,
  use: (opened: Opened) => Promise<T>,
): Promise<T> {
  const file = join(folder, 'page.html')
  await writeFile(file, markup)
  const context = await browser.newContext({ viewport: DESKTOP, ...options })
  const [requests, complaints]: [string[], string[]] = [[], []]
  try {
    const page = await context.newPage()
    page.on('request', (request) => requests.push(request.url()))
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('dialog', (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    await page.goto(`file://${file}`)
    return await use({ page, requests, complaints })
  } finally {
    await context.close()
  }
}

/** Every rule of axe, of the folded parts too. */
async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(`for (const one of document.querySelectorAll('details')) one.open = true`)
  const found: unknown = await page.evaluate(
    `${axe.source}; axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ': ' + html + ' ' + failureSummary)))`,
  )
  return found as readonly string[]
}

describe.skipIf(executablePath === null).each(Object.entries(PAGES))('%s', (_name, markup) => {
  test.each([
    ['light', 'desktop', DESKTOP],
    ['dark', 'phone', PHONE],
  ] as const)('axe finds nothing: %s, %s', async (colorScheme, _device, viewport) => {
    await opened(markup, { colorScheme, viewport }, async ({ page }) => {
      expect(await violations(page)).toEqual([])
    })
  })

  test('fits a phone without scrolling sideways, nothing is asked of any network, and nothing is complained of', async () => {
    await opened(markup, { viewport: PHONE }, async ({ page, requests, complaints }) => {
      await page.evaluate(`for (const one of document.querySelectorAll('details')) one.open = true`)
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(PHONE.width)
      expect(requests).toEqual([`file://${folder}/page.html`])
      expect(complaints).toEqual([])
    })
  })

  test('on paper everything is open and light, and what only a screen can do is gone', async () => {
    await opened(markup, { colorScheme: 'dark' }, async ({ page }) => {
      await page.emulateMedia({ media: 'print' })
      const seen = await page.evaluate(`({
        hidden: [...document.querySelectorAll('main :is(li, dd, p, pre, td, code)')].filter((one) => one.getClientRects().length === 0).map((one) => one.outerHTML),
        buttons: [...document.querySelectorAll('button')].filter((one) => one.checkVisibility()).length,
        page: getComputedStyle(document.body).backgroundColor,
      })`)
      expect(seen).toEqual({ hidden: [], buttons: 0, page: 'rgb(255, 255, 255)' })
    })
  })
})

describe.skipIf(executablePath === null)('with the keyboard', () => {
  test('every fold, command and link is reached in the order of the page, and the focus is seen', async () => {
    await opened(INCIDENT_PAGE, {}, async ({ page }) => {
      const count = Number(await page.evaluate(`document.querySelectorAll('a, button, summary, [tabindex]').length`))
      const reached: unknown[] = []
      for (let press = 0; press < count; press += 1) {
        await page.keyboard.press('Tab')
        reached.push(
          await page.evaluate(
            `(({ tagName, outerHTML }) => tagName + ' ' + (getComputedStyle(document.activeElement).outlineStyle === 'none' ? outerHTML : 'seen'))(document.activeElement)`,
          ),
        )
        // A fold is opened where it is met: what is in it comes next.
        if (String(reached.at(-1)).startsWith('SUMMARY')) await page.keyboard.press('Enter')
      }
      expect(reached).toEqual([
        'A seen',
        'A seen',
        'A seen',
        'BUTTON seen',
        'BUTTON seen',
        'SUMMARY seen',
        'SUMMARY seen',
        'BUTTON seen',
        'DIV seen',
        'SUMMARY seen',
      ])
      expect(await page.evaluate(`document.querySelectorAll('details:not([open])').length`)).toBe(0)
    })
  })

  test('a command is copied as it is pasted, and a screen reader is told', async () => {
    const permissions = ['clipboard-read', 'clipboard-write']
    await opened(INCIDENT_PAGE, { viewport: PHONE, permissions }, async ({ page, complaints }) => {
      for (const [at, { command }] of V42.nextSteps.entries()) {
        await page.locator('.steps button').nth(at).focus()
        await page.keyboard.press('Enter')
        await page.locator('.steps button', { hasText: 'Copied' }).nth(at).waitFor()
        expect(await page.evaluate('navigator.clipboard.readText()')).toBe(command)
        expect(await page.locator('#status').textContent()).toBe('the command is on the clipboard')
      }
      expect(complaints).toEqual([])
    })
  })
})

test.skipIf(executablePath === null)(
  'without scripts all is there to be read, and no button that does nothing',
  async () => {
    await opened(INCIDENT_PAGE, { javaScriptEnabled: false }, async ({ page }) => {
      expect(await page.locator('button:visible').count()).toBe(0)
      expect(await page.locator('.steps code').first().textContent()).toBe(V42.nextSteps[0]?.command)
    })
  },
)

test.skipIf(executablePath === null).each([
  ['light', 'background:#fff;color:#16191f'],
  ['dark', 'background:#0f1b2a;color:#d1d5db'],
])('axe finds nothing in the widget of a %s dashboard', async (_theme, colours) => {
  await opened(widgetOn(colours), {}, async ({ page }) => {
    expect(await violations(page)).toEqual([])
  })
})
