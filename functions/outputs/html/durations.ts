/** What queries and endpoints took, before the deployment and after it: two ranges on one scale each. */
import type { BaselineJudgement, Spread } from '../../core/baseline.ts'
import { cap, counted } from '../counts.ts'
import { durationText } from '../../core/duration-text.ts'
import { moreItem } from './finding.ts'
import type { Html } from './markup.ts'
import { html, sentence } from './markup.ts'
import { percentOf } from './scale.ts'

const MOST_SHOWN = 12
const MOST_FOLDED = 100
const RANKS = { slower: 0, normal: 1, inconclusive: 2 } as const
const TONES = { slower: 'fail', normal: 'pass', inconclusive: 'unsure' } as const
const WORDS = { slower: 'slower', normal: 'as before', inconclusive: 'too few to tell' } as const

/**
 * The slower ones first.
 *
 * @param watched through a window after a deployment; else it was one look, whose one sample judges nothing
 */
export function durationsPart(judgements: readonly BaselineJudgement[], watched: boolean): Html {
  const durationItem = (judgement: BaselineJudgement): Html => itemOf(judgement, watched)
  const ranked = judgements.toSorted((a, b) => RANKS[a.outcome] - RANKS[b.outcome])
  const { shown, left } = cap(ranked, MOST_SHOWN)
  const rest = cap(ranked.slice(shown.length), MOST_FOLDED)
  const folded =
    left === 0
      ? null
      : html`<details>
          <summary>${left} more</summary>
          <ul class="durations">
            ${rest.shown.map(durationItem)}${moreItem(rest.left)}
          </ul>
        </details>`
  return html`<p class="muted">
      The bar holds the middle half of the samples, the line all of them, the mark the median.
    </p>
    <ul class="durations">
      ${shown.map(durationItem)}
    </ul>
    ${folded}`
}

function itemOf({ check, name, outcome, text, before, after, rows }: BaselineJudgement, watched: boolean): Html {
  const end = endOf([before, after])
  const isJudged = watched || outcome !== 'inconclusive'
  const chip = isJudged ? html` <strong class="chip">${WORDS[outcome]}</strong>` : null
  const why = isJudged
    ? html`<p class="muted">${sentence(text)}${rows === null ? null : html`; ${sentence(rows)}`}</p>`
    : null
  return html`<li class="${TONES[outcome]}">
    <p><code>${name}</code> <span class="muted">${check}</span>${chip}</p>
    <dl>${row('before', before, end)}${row(watched ? 'after' : 'now', after, end)}</dl>
    ${why}
  </li>`
}

/** One sample that took very long must not make a dot of all the others: it is at the scale's edge, and its number is said. */
function endOf(spreads: readonly (Spread | null)[]): number {
  const known = spreads.flatMap((spread) => spread ?? [])
  const most = Math.max(0, ...known.map((spread) => spread.most))
  return Math.min(most, 3 * Math.max(0, ...known.map(({ upper }) => upper))) * 1.05
}

function row(label: string, spread: Spread | null, end: number): Html {
  if (spread === null)
    return html`<div>
      <dt>${label}</dt>
      <dd class="none">no sample</dd>
    </div>`
  const { count, least, lower, median, upper, most } = spread
  const width = (from: number, to: number): string => percentOf(Math.max(0, Math.min(to, end) - from), end)
  const range =
    count === 1 ? durationText(median) : `${durationText(median)}, ${durationText(least)} to ${durationText(most)}`
  return html`<div>
    <dt>${label}</dt>
    <dd>
      <div class="box" aria-hidden="true">
        <i style="left:${percentOf(least, end)};width:${width(least, most)}"></i
        ><b style="left:${percentOf(lower, end)};width:${width(lower, upper)}"></b
        ><u style="left:${percentOf(median, end)}"></u>
      </div>
      <span>${range} <span class="muted">(${counted(count, 'sample')})</span></span>
    </dd>
  </div>`
}
