/** Incidents and their pages over AWS, as the functions keep them that look and that run by the clock. */
import type { WatchFunctionSettings } from '../settings.ts'
import type { Documents } from '../stores/documents.ts'
import type { IncidentPorts } from './incidents.ts'
import type { CarrierPorts } from './send.ts'
import { awsCarrier } from './send.ts'

export interface PagingPorts extends Pick<CarrierPorts, 'sns' | 'sqs' | 'sleep' | 'random'> {
  readonly store: Documents
  readonly clock: () => number
  readonly newId: () => string
  readonly log: (entry: unknown) => void
}

export function openIncidents(
  { topics, deadLetters, links }: Pick<WatchFunctionSettings, 'topics' | 'deadLetters' | 'links'>,
  { store, sns, sqs, clock, sleep, random, newId, log }: PagingPorts,
): IncidentPorts {
  const carrier = awsCarrier({ sns, sqs, deadLetters, links, sleep, random })
  return { documents: store, carrier, topics, clock, sleep, random, newId, tell: log }
}
