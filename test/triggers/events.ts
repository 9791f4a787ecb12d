/** The catalogue's events (test/fixtures/events), as their services document them, and changes to them. */
import { readFileSync } from 'node:fs'
import type { Deployment, DeploymentTarget } from '../../functions/core/deployment.ts'
import { readDeployments } from '../../functions/triggers/index.ts'
import type { TriggerAnswer } from '../../functions/triggers/trigger.ts'

export interface Event {
  readonly [field: string]: unknown
  readonly detail: Readonly<Record<string, unknown>>
}

export function readEvent(name: string): Event {
  return JSON.parse(readFileSync(new URL(`../fixtures/events/${name}.json`, import.meta.url), 'utf8')) as Event
}

/** An event with other fields in its detail; undefined: without it. */
export function withDetail(event: Event, detail: Readonly<Record<string, unknown>>): Event {
  return JSON.parse(JSON.stringify({ ...event, detail: { ...event.detail, ...detail } })) as Event
}

export const WATCHED: readonly DeploymentTarget[] = [
  { source: 'codedeploy', application: 'myApplication', group: 'myDeploymentGroup' },
  { source: 'codedeploy', application: 'ProductionApp-us-west-3', group: 'dep-group-def-456' },
  { source: 'codepipeline', pipeline: 'myPipeline', stage: null, action: null },
  { source: 'codepipeline', pipeline: 'myPipeline', stage: 'Prod', action: null },
  { source: 'codepipeline', pipeline: 'myPipeline', stage: 'Deploy', action: 'Deploy' },
  { source: 'cloudformation', stack: 'teststack' },
  { source: 'ecs', cluster: 'default', service: 'servicetest' },
  { source: 'ecs', cluster: 'my-cluster', service: 'my-service' },
  { source: 'custom', service: 'orders', environment: 'prod' },
]

/** The one answer to one event. */
export function answerTo(event: unknown, watched = WATCHED): TriggerAnswer {
  const answers = readDeployments(event, watched)
  const [answer] = answers
  if (answers.length !== 1 || answer === undefined) throw new Error(`${answers.length} answers`)
  return answer
}

export function deploymentOf(event: unknown, watched = WATCHED): Deployment {
  const answer = answerTo(event, watched)
  if (answer.kind !== 'deployment') throw new Error(JSON.stringify(answer))
  return answer.deployment
}

/** The catalogue's custom event as EventBridge delivers it. */
export function customEvent(detail: Readonly<Record<string, unknown>> = {}, detailType = 'Deployment Finished'): Event {
  const { Entries: entries } = readEvent('custom-putevents') as unknown as { Entries: readonly { Detail: string }[] }
  return {
    version: '0',
    id: '11111111-2222-3333-4444-555555555555',
    'detail-type': detailType,
    source: 'orders.deploy',
    account: '111122223333',
    time: '2026-01-01T12:03:11Z',
    region: 'eu-west-1',
    resources: [],
    detail: { ...(JSON.parse(entries[0]?.Detail ?? '{}') as object), ...detail },
  }
}
