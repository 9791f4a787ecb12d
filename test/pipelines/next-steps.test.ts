/** The lines that an audit prints, put where it says: what it found is gone then. */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Finding } from '../../functions/core/finding.ts'
import { applyEdit, patchCommand } from '../../functions/core/line-edit.ts'
import { auditFolder, listPipelineScenarios } from '../support/pipelines.ts'
import { folderWith } from '../cli/deploywatch.ts'

const run = promisify(execFile)
const scenarios = await listPipelineScenarios()

function patchesOf(finding: Finding): readonly string[] {
  return finding.nextSteps.flatMap(({ command }) => (command?.startsWith('git apply') === true ? [command] : []))
}

const patched: string[] = []

test.each(scenarios.filter(({ right }) => right.errors.length > 0))('$name', async ({ name, project }) => {
  const { findings } = await auditFolder(project)
  for (const finding of findings.filter(({ severity }) => severity === 'error')) {
    const [patch] = patchesOf(finding)
    if (patch === undefined) continue
    patched.push(name)
    const folder = await mkdtemp(join(tmpdir(), 'deploywatch-audit-'))
    await cp(project, folder, { recursive: true })
    await run('sh', ['-c', patch], { cwd: folder })
    const after = (await auditFolder(folder)).findings
    const same = after.filter(({ code, subject }) => code === finding.code && subject === finding.subject)
    expect(same, patch).toEqual([])
    expect(after.filter(({ severity }) => severity === 'error').length, patch).toBeLessThan(
      findings.filter(({ severity }) => severity === 'error').length,
    )
    await rm(folder, { recursive: true })
  }
})

test('most of what is found has lines to add: only what is generated, or a choice, has words', () => {
  expect(new Set(patched).size).toBeGreaterThanOrEqual(17)
})

test('a patch makes the edit that it stands for, wherever it is', async () => {
  const line = fc.stringMatching(/^[ a-z$'"\\-]{0,12}$/u)
  const draw = fc.record({
    lines: fc.array(line, { minLength: 1, maxLength: 8 }),
    at: fc.nat(),
    removed: fc.nat({ max: 2 }),
    inserted: fc.array(line, { minLength: 1, maxLength: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(draw, async ({ lines, at, removed, inserted }) => {
      const text = `${lines.join('\n')}\n`
      const start = at % lines.length
      const edit = { file: 'deploy.yml', line: start + 1, removed: Math.min(removed, lines.length - start), inserted }
      const command = patchCommand(text, edit)
      fc.pre(command !== null && applyEdit(text, edit) !== text)
      const folder = await folderWith({ 'deploy.yml': text })
      await run('sh', ['-c', command ?? ''], { cwd: folder })
      expect(await readFile(join(folder, 'deploy.yml'), 'utf8')).toBe(applyEdit(text, edit))
    }),
    { numRuns: Number(process.env['DEPLOYWATCH_PROPERTY_RUNS'] ?? 15) },
  )
})
