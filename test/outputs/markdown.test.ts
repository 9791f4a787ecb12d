import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { escapeMarkdown, renderMarkdown } from '../../functions/outputs/markdown.ts'
import { arbitraryReport, HOSTILE, INCIDENT, MANY, PASS, reportOf, UNSURE, V42 } from './sample-reports.ts'

describe('reads as agreed', () => {
  test.each([
    ['incident', INCIDENT],
    ['unsure', UNSURE],
    ['pass', PASS],
    ['hostile', HOSTILE],
  ])('%s', async (name, report) => {
    await expect(renderMarkdown(report)).toMatchFileSnapshot(`golden/${name}.md`)
  })
})

test('names stay readable where nothing has to be escaped', () => {
  expect(escapeMarkdown('V42__add_status_note.sql has run, at 10:00 (UTC)')).toBe(
    'V42__add_status_note.sql has run, at 10:00 (UTC)',
  )
  expect(escapeMarkdown('__init__ a|b <b> https://x.example')).toBe(
    '&#95;&#95;init&#95;&#95; a&#124;b &#60;b&#62; https&#58;//x.example',
  )
})

/** The lines outside of code fences, as GitHub would see them. */
function outsideFences(markdown: string): readonly string[] {
  let fence: string | null = null
  return markdown.split('\n').filter((line) => {
    const run = /^`{3,}/u.exec(line)?.[0]
    if (fence === null && run !== undefined) {
      fence = run
      return false
    }
    // A fence is closed by a run at least as long, alone on its line.
    if (fence !== null && run !== undefined && run.length >= fence.length && line === run) {
      fence = null
      return false
    }
    return fence === null
  })
}

test('nothing from outside becomes markup: no tag, link, cell, heading or fence of its own', () => {
  fc.assert(
    fc.property(arbitraryReport(), (report) => {
      const markdown = renderMarkdown(report)
      const lines = outsideFences(markdown)
      const text = lines.join('\n')
      expect(text.replace(/<\/?(?:details|summary|code)>/gu, '')).not.toMatch(/[<>]/u)
      expect(text.match(/<details>/gu)?.length ?? 0).toBe(text.match(/<\/details>/gu)?.length ?? 0)
      expect(text.match(/<details>/gu)?.length ?? 0).toBe(
        report.findings.filter(({ severity }) => severity === 'error' || severity === 'unsure').length,
      )
      expect(text).not.toMatch(/\]\(|!\[|:\/\/|@/u)
      expect(lines.filter((line) => line.startsWith('#'))).toHaveLength(1)
      for (const row of lines.filter((line) => line.startsWith('|'))) {
        expect([4, 5]).toContain(row.split('|').length - 1)
        expect(row.endsWith('|')).toBe(true)
      }
      expect(markdown).not.toMatch(/(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
    }),
  )
})

test('commands are in fences, as they are pasted', () => {
  for (const { command } of V42.nextSteps) expect(renderMarkdown(INCIDENT)).toContain(`\`\`\`sh\n${command}\n\`\`\``)
})

test('thousands of findings stay below the limit of a step summary', () => {
  const markdown = renderMarkdown(reportOf(Array.from({ length: 5000 }, () => V42)))
  expect(Buffer.byteLength(markdown)).toBeLessThan(512 * 1024)
  expect(markdown).toContain('and 4800 more')
  expect(renderMarkdown(MANY)).toContain('V40__step.sql')
})
