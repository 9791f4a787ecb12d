import { expect, test } from 'vitest'
import type { Step } from '../../../local/demo/pipeline.ts'
import { readSteps, runPipeline } from '../../../local/demo/pipeline.ts'
import { CHECK_COMMAND, workflowText } from '../../../local/demo/project.ts'

const inProduction = (steps: readonly Step[]): readonly string[] =>
  steps.filter(({ environment }) => environment === 'production').map(({ command }) => command)

test('the pipeline of the incident migrates staging, and production never', () => {
  const steps = readSteps(workflowText(false))
  const migrating = steps.filter(({ command }) => command.startsWith('flyway'))
  expect(migrating.map(({ environment }) => environment)).toEqual(['staging'])
  expect(inProduction(steps)).toEqual(['./deploy 1.42.0', 'curl --fail $ORDERS_URL/health'])
})

test('the check is one line more, before the deployment', () => {
  const lines = (text: string): readonly string[] => text.split('\n')
  const without = lines(workflowText(false))
  const added = lines(workflowText(true)).filter((line) => !without.includes(line))
  expect(added.map((line) => line.trim())).toEqual([`- run: ${CHECK_COMMAND}`])
  expect(inProduction(readSteps(workflowText(true)))[0]).toBe(CHECK_COMMAND)
})

test('a step that fails ends the pipeline, and what it did not reach is told', async () => {
  const ran: string[] = []
  const run = await runPipeline(workflowText(true), async ({ command }) => {
    ran.push(command)
    return { ok: command !== CHECK_COMMAND, said: null }
  })
  expect(run).toMatchObject({ green: false, failed: { environment: 'production', command: CHECK_COMMAND } })
  expect(run.notRun.map(({ command }) => command)).toEqual(['./deploy 1.42.0', 'curl --fail $ORDERS_URL/health'])
  expect(ran.at(-1)).toBe(CHECK_COMMAND)
})

test('a job does not run before the one that it needs', () => {
  const workflow = `jobs:
  production: { needs: staging, environment: production, steps: [{ run: ./deploy }] }
  staging: { environment: staging, steps: [{ run: ./deploy }] }`
  expect(() => readSteps(workflow)).toThrow('job production needs staging, which has not run')
})
