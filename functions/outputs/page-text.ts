/**
 * A page for people. Its first lines stand on a lock screen: what is broken, and what to do now. Below is what the person
 * needs who then sits down: since when, why, the commands, the links.
 */
import picocolors from 'picocolors'
import type { Finding } from '../core/finding.ts'
import type { IncidentPage } from '../core/incident-page.ts'
import { cap } from './counts.ts'
import { durationRangeText, durationText } from '../core/duration-text.ts'
import { timeText } from './time-text.ts'
import { findingLines, type FindingTextOptions } from './finding-text.ts'
import { phraseOf, phraseOfKey } from './page-words.ts'
import { visibleBlock, visibleName, visibleSentence } from './visible-text.ts'

export interface PageLinks {
  /** Of this service in this environment; null: none. */
  readonly dashboard: string | null
  /** A page with a heading for each finding code, as docs/findings.md has: `#CODE` is appended. null: none. */
  readonly runbook: string | null
}

/** What it is about, in a few words: 'migration V42__add_status_note.sql has not run, and 2 more'. */
export function pageHeadline(page: IncidentPage): string {
  const [first] = page.roots
  const more = page.rootCount - 1
  if (first === undefined) return page.about === 'blind' ? 'no look could check it' : `${page.rootCount} root causes`
  return phraseOf(first.code, first.subject) + (more > 0 ? `, and ${more} more` : '')
}

/** The page in one sentence, lower case, no full stop. */
export function pageSentence(page: IncidentPage): string {
  const service = visibleName(page.service)
  const environment = visibleName(page.environment)
  const version = visibleName(page.release.version)
  const bad = page.severity === 'critical' ? 'broken' : 'slow'
  if (page.about === 'blind') return blindSentence(page, service, environment)
  if (page.about === 'drift') return driftSentence(page, service, environment)
  switch (page.kind) {
    case 'opened':
      return `${service} is ${bad} in ${environment}: ${pageHeadline(page)}`
    case 'changed':
      return `${service} is still ${bad} in ${environment}: ${pageHeadline(page)}`
    case 'resolved':
      return `${service} works again in ${environment}: all checks of ${version} pass`
    case 'superseded':
      return `${service} ${newerVersion(page)} took the place of ${version} in ${environment}, and no look has judged it yet`
    case 'expired':
      return `nobody has looked at ${service} in ${environment} for a day, and it was broken when last seen`
  }
}

function blindSentence(page: IncidentPage, service: string, environment: string): string {
  switch (page.kind) {
    case 'opened':
    case 'changed':
      return `nobody can say whether ${service} works in ${environment}: ${pageHeadline(page)}`
    case 'resolved':
      return `${service} in ${environment} can be looked at again`
    case 'superseded':
      return `${service} ${newerVersion(page)} was deployed to ${environment}, and no look has judged it yet`
    case 'expired':
      return `nobody has looked at ${service} in ${environment} for a day`
  }
}

function driftSentence(page: IncidentPage, service: string, environment: string): string {
  const schema = `the schema of ${service} in ${environment}`
  switch (page.kind) {
    case 'opened':
      return `${schema} is not what it was: ${pageHeadline(page)}`
    case 'changed':
      return `${schema} has changed again: ${pageHeadline(page)}`
    case 'resolved':
    case 'superseded':
    case 'expired':
      return `${schema} is what it was, or a release passed its watch as it is`
  }
}

function newerVersion({ newer }: IncidentPage): string {
  return newer === null ? 'another release' : visibleName(newer.version)
}

type Lines = Generator<string, void, undefined>

/** The whole page, with a trailing newline. */
export function renderPageText(page: IncidentPage, links: PageLinks): string {
  return `${[...pageLines(page, links)].join('\n')}\n`
}

function* pageLines(page: IncidentPage, links: PageLinks): Lines {
  yield pageSentence(page)
  if (page.kind === 'opened' || page.kind === 'changed') {
    if (page.kind === 'changed') yield* changeLines(page)
    yield* whyLines(page.roots)
    yield* nextLines(page.roots)
  } else {
    yield `it was: ${pageHeadline(page)}`
    yield* afterwardsLines(page)
  }
  yield ''
  yield* factLines(page)
  yield* linkLines(page, links)
  if (page.kind === 'opened' || page.kind === 'changed') yield* rootLines(page)
}

/** Only what there is evidence of: a guess has no place on a lock screen. */
function* whyLines([root]: readonly Finding[]): Lines {
  const proven = root?.causes.find(({ evidence }) => evidence !== null)
  if (proven !== undefined) yield `why: ${visibleSentence(proven.text)}`
  else if (root !== undefined) yield `found: ${visibleSentence(root.found)}`
}

/** The step of the first root cause that has one: how long it takes, and its command on a line of its own, to be pasted. */
function* nextLines(roots: readonly Finding[]): Lines {
  const root = roots.find(({ nextSteps }) => nextSteps.length > 0)
  const [step] = root?.nextSteps ?? []
  if (root === undefined || step === undefined) return
  const { estimate } = root
  const takes = estimate === null ? '' : ` (takes ${durationRangeText(estimate.lowMs, estimate.highMs)})`
  yield `next: ${visibleSentence(step.text)}${takes}`
  if (step.command !== null) yield visibleBlock(step.command)
}

const LISTED = 5

function* changeLines({ added, gone }: IncidentPage): Lines {
  if (added.length > 0) yield `new: ${listed(added)}`
  if (gone.length > 0) yield `gone: ${listed(gone)}`
}

function listed(keys: readonly string[]): string {
  const { shown, left } = cap(keys, LISTED)
  return shown.map(phraseOfKey).join('; ') + (left === 0 ? '' : `; and ${left} more`)
}

function* afterwardsLines(page: IncidentPage): Lines {
  const look = `npx deploywatch check --env ${shellWord(page.environment)} --deployed`
  if (page.kind === 'resolved') return
  yield 'next: look whether it works now'
  yield look
}

/** A name as one word of a shell. */
function shellWord(text: string): string {
  const name = visibleName(text)
  return /^[\w.@%+=:,/-]+$/u.test(name) ? name : `'${name.replaceAll("'", String.raw`'\''`)}'`
}

function* factLines(page: IncidentPage): Lines {
  const { service, environment, release } = page
  const commit = release.commit === null ? '' : ` (${visibleName(release.commit.slice(0, 10))})`
  const lasts = durationText(Math.max(0, Date.parse(page.at) - Date.parse(page.since)))
  const ended = page.kind === 'opened' || page.kind === 'changed' ? `, for ${lasts} now` : `, for ${lasts}`
  yield `release: ${visibleName(service)} ${visibleName(release.version)}${commit} in ${visibleName(environment)}`
  if (page.deployedAt !== null) yield `deployed: ${timeText(page.deployedAt)}`
  yield `since: ${timeText(page.since)}${ended}`
  if (page.kind !== 'opened' && page.kind !== 'changed') yield `until: ${timeText(page.at)}`
  yield `severity: ${page.severity}`
  yield `incident: ${visibleName(page.incident)}`
}

function* linkLines(page: IncidentPage, links: PageLinks): Lines {
  const runbook = runbookLink(page, links)
  if (page.reportPage !== null) yield `report: ${page.reportPage}`
  if (links.dashboard !== null) yield `dashboard: ${links.dashboard}`
  if (runbook !== null) yield `runbook: ${runbook}`
}

/** The heading of the first root cause's code. */
export function runbookLink({ roots }: Pick<IncidentPage, 'roots'>, links: PageLinks): string | null {
  if (links.runbook === null) return null
  const [first] = roots
  return first === undefined ? links.runbook : `${links.runbook}#${first.code}`
}

const WIDTH = 76

function* rootLines({ roots, rootCount }: IncidentPage): Lines {
  const options: Omit<FindingTextOptions, 'before'> = {
    paint: picocolors.createColors(false),
    width: WIDTH,
    readFile: () => null,
  }
  for (const [at, root] of roots.entries()) {
    yield ''
    const before = roots[at - 1]
    yield* findingLines(root, { ...options, before: before?.code === root.code ? before : null })
  }
  const more = rootCount - roots.length
  if (more > 0) yield ''
  if (more > 0) yield `and ${more} more: npx deploywatch check lists them all`
}
