import { describe, expect, test } from 'vitest'
import { FINDING_CODES, type FindingCode } from '../../functions/core/finding.ts'
import { EXPLANATIONS, explainCode, isFindingCode, suggestCodes } from '../../functions/outputs/explain.ts'

const codes = Object.keys(FINDING_CODES) as FindingCode[]

describe.each(codes)('%s', (code) => {
  const page = EXPLANATIONS[code]
  const lines = explainCode(code).trimEnd().split('\n')

  test('is a page of 6 to 20 lines, in ASCII, that wraps all but commands', () => {
    const filled = lines.filter((line) => line !== '')
    expect(filled.length).toBeGreaterThanOrEqual(6)
    expect(filled.length).toBeLessThanOrEqual(20)
    // oxlint-disable-next-line no-control-regex -- ASCII is meant
    expect(lines.join('')).toMatch(/^[\u0020-\u007E]*$/u)
    const commands = new Set(page.steps.map(({ command }) => command))
    expect(lines.filter((line) => line.length > 80 && !commands.has(line.trim()))).toEqual([])
  })

  test('names causes and steps in the style of messages', () => {
    expect(page.causes.length).toBeGreaterThanOrEqual(2)
    expect(page.steps.length).toBeGreaterThanOrEqual(2)
    expect(page.steps.some(({ command }) => command !== null)).toBe(true)
    for (const text of [page.title, ...page.causes, ...page.steps.map((step) => step.text)]) {
      expect(text).not.toMatch(/\.$|\n/u)
    }
    for (const text of [page.title, ...page.causes]) expect(text).toMatch(/^(?:[a-z`]|TLS|IAM|Data API)/u)
    expect(page.meaning).toMatch(/\.$/u)
  })

  test('has commands that a shell can read: quotes are closed, nothing spans lines', () => {
    for (const { command } of page.steps) {
      if (command === null) continue
      expect(command).not.toContain('\n')
      expect(command.replace(/'[^']*'|"(?:\\.|[^"\\])*"/gu, '')).not.toMatch(/['"]/u)
    }
  })
})

test('pages name only commands of the command line', () => {
  const known = new Set([
    'init',
    'build',
    'check',
    'watch',
    'migrate',
    'record',
    'compare',
    'audit',
    'estimate',
    'explain',
    'publish',
  ])
  const named = codes.flatMap((code) =>
    EXPLANATIONS[code].steps.flatMap(({ command }) => /npx deploywatch (\S+)/u.exec(command ?? '')?.[1] ?? []),
  )
  expect(named.filter((name) => !known.has(name))).toEqual([])
})

test('a page in colours is the same page', () => {
  // oxlint-disable-next-line no-control-regex -- the sequences of colours are what is taken out
  const plain = explainCode('look-blocked', { color: true, width: 80 }).replace(/\u001B\[\d+m/gu, '')
  expect(plain).toBe(explainCode('look-blocked'))
})

test('pages say what the contract says of the code', () => {
  expect(explainCode('migration-skipped')).toMatch(/Drizzle 0\.x and golang-migrate never run it/u)
  expect(explainCode('data-api-disabled')).toContain('aws rds enable-http-endpoint --resource-arn')
  expect(explainCode('query-refused')).toContain('one SELECT, VALUES or TABLE')
  expect(explainCode('permission-denied')).toContain('npx deploywatch init --grants')
})

test('a mistyped code is answered with the one that was meant', () => {
  expect(suggestCodes('migration-mising')).toEqual(['migration-missing'])
  expect(suggestCodes('Column_Missing')).toEqual(['column-missing'])
  expect(suggestCodes('permission')).toEqual(['permission-denied'])
  expect(suggestCodes('migration')).toEqual(['migration-missing', 'migration-skipped', 'migration-failed'])
  expect(suggestCodes('kubernetes')).toEqual([])
  expect(suggestCodes('')).toEqual([])
})

test('a code is told from what an object inherits', () => {
  expect(isFindingCode('query-broken')).toBe(true)
  expect(isFindingCode('toString')).toBe(false)
})
