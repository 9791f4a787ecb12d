/** What happened around a deployment: a strip to see it at a glance, and the same as a list. */
import type { PageMark } from '../../core/incident-state.ts'
import type { Timeline, TimelineEvent } from '../../core/timeline.ts'
import { counted } from '../counts.ts'
import { timeText } from '../time-text.ts'
import { phraseOfKey } from '../page-words.ts'
import type { Html } from './markup.ts'
import { html, sentence } from './markup.ts'
import { percentOf } from './scale.ts'

/** A strip holds so many marks; the list has them all. */
const MOST_MARKS = 400

export function timelinePart(timeline: Timeline): Html {
  const { events, forgotten, startedAt } = timeline
  const days = new Set(events.map(({ at }) => at.slice(0, 10)))
  const oneDay = days.size <= 1
  const note = oneDay ? `Times are UTC, of ${startedAt.slice(0, 10)}.` : 'Times are UTC.'
  const items = events.map((event) => eventItem(event, oneDay))
  return html`<p class="muted">
      ${note}${forgotten === 0 ? null : html` Of the first ${counted(forgotten, 'look')} nothing is kept any more.`}
    </p>
    ${stripOf(timeline)}
    <ol class="events">
      ${items}
    </ol>`
}

function eventItem(event: TimelineEvent, oneDay: boolean): Html {
  const [tone, sign] = LOOKS[toneOf(event)]
  return html`<li class="${tone}">
    <time datetime="${event.at}">${clockText(event.at, oneDay)}</time
    ><span class="mark" aria-hidden="true">${sign}</span>
    <div>${textOf(event, oneDay)}</div>
  </li>`
}

type Tone = 'pass' | 'fail' | 'unsure' | 'page' | 'plain'

/** The class of each tone, and its sign: nothing is told by colour alone. */
const LOOKS: Readonly<Record<Tone, readonly [tone: string, sign: string]>> = {
  pass: ['pass', '✓'],
  fail: ['fail', '✗'],
  unsure: ['unsure', '?'],
  page: ['page', '⚑'],
  plain: ['plain', '▸'],
}

const TONES = { verified: 'pass', fail: 'fail', unsure: 'unsure' } as const

function toneOf(event: TimelineEvent): Tone {
  switch (event.kind) {
    case 'deployed':
      return 'plain'
    case 'looks':
      return TONES[event.outcome]
    case 'page':
      return 'page'
    case 'ended':
      return event.verdict
  }
}

function textOf(event: TimelineEvent, oneDay: boolean): Html {
  switch (event.kind) {
    case 'deployed':
      return html`${event.release.version} was deployed`
    case 'looks':
      return looksText(event, oneDay)
    case 'page':
      return html`${pageText(event)}`
    case 'ended': {
      const verdict = html`<strong>${event.verdict}</strong>`
      if (event.how.kind === 'superseded') return html`the watch ended, since ${event.how.by} was deployed: ${verdict}`
      return event.how.kind === 'interrupted'
        ? html`the watch was interrupted: ${verdict}`
        : html`the watch ended: ${verdict}`
    }
  }
}

const SAYS = { verified: 'verified everything', fail: 'found', unsure: 'could not tell' } as const

function looksText(event: Extract<TimelineEvent, { kind: 'looks' }>, oneDay: boolean): Html {
  const { outcome, times, found, foundCount, why } = event
  const last = times.at(-1)
  const until =
    times.length === 1 || last === undefined
      ? null
      : html`, until <time datetime="${last}">${clockText(last, oneDay)}</time>`
  const reason = why === null ? null : html`: ${sentence(why)}`
  if (found.length === 0) return html`${counted(times.length, 'look')} ${SAYS[outcome]}${until}${reason}`
  const more = foundCount > found.length ? html`<li>and ${foundCount - found.length} more</li>` : null
  const second = outcome === 'verified' ? ', at the second attempt after' : ''
  return html`${counted(times.length, 'look')} ${SAYS[outcome]}${second}${until}:
    <ul class="plain">
      ${found.map((key) => html`<li>${phraseOfKey(key)}</li>`)}${more}
    </ul>`
}

const ABOUT = { failure: '', blind: 'nobody can look: ', drift: 'the schema changed: ' } as const

function pageText({ page, about, key, rootCount }: PageMark): string {
  const more = rootCount > 1 ? `, and ${rootCount - 1} more` : ''
  const what = `${ABOUT[about]}${key === null ? counted(rootCount, 'root cause') : phraseOfKey(key) + more}`
  switch (page) {
    case 'opened':
      return `paged: ${what}`
    case 'changed':
      return `paged again: ${what}`
    case 'resolved':
      return `paged: all is well again; it was: ${what}`
    case 'superseded':
      return `paged: another release took its place; it was: ${what}`
    case 'expired':
      return `paged: no look saw anything of it for a day; it was: ${what}`
  }
}

function clockText(iso: string, oneDay: boolean): string {
  const text = timeText(iso)
  return oneDay ? text.slice(11, 19) : text.replace(/ UTC$/u, '')
}

/** For eyes only: the list says the same. */
function stripOf({ events, startedAt, forMs }: Timeline): Html | null {
  const ms = (iso: string): number => Date.parse(iso)
  const points = events.flatMap((event) => {
    const times = event.kind === 'looks' ? event.times : [event.at]
    return times.map((at) => ({ at: ms(at), tone: toneOf(event), kind: event.kind }))
  })
  const from = Math.min(ms(startedAt), ...points.map(({ at }) => at))
  const to = Math.max(ms(startedAt) + forMs, ...points.map(({ at }) => at))
  if (!(to > from)) return null
  const marks = points.slice(-MOST_MARKS).map(({ at, tone, kind }) => {
    const [name, sign] = LOOKS[tone]
    return html`<span class="point ${kind} ${name}" style="left:${percentOf(at - from, to - from)}">${sign}</span>`
  })
  const iso = (at: number): string => clockText(new Date(at).toISOString(), true)
  return html`<div class="strip" aria-hidden="true">
    <div class="axis">${marks}</div>
    <span>${iso(from)}</span><span>${iso(to)}</span>
  </div>`
}
