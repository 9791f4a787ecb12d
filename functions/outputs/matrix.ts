/**
 * Migrations × environments as an HTML table: the same string in the comparison's page, the report's page and CloudWatch's custom
 * widget. Inline styles alone, no script and no class: the widget's frame allows little else. Colours are half transparent and the
 * text inherits its own, so that it is readable on a light page and on a dark one; each state is a word and a sign beside its colour.
 */
import { ageText } from '../core/age.ts'
import type { ComparedState, Comparison } from '../core/compare-environments.ts'
import type { MigrationState } from '../core/migration-evidence.ts'
import { counted } from './counts.ts'
import { durationText } from '../core/duration-text.ts'
import type { Html } from './html/markup.ts'
import { html } from './html/markup.ts'

/** The sign and the colour of each state. */
const LOOKS: Readonly<Record<MigrationState, { readonly sign: string; readonly colour: string }>> = {
  applied: { sign: '✓', colour: 'rgba(46,160,67,.22)' },
  missing: { sign: '✗', colour: 'rgba(218,54,51,.28)' },
  failed: { sign: '✗', colour: 'rgba(218,54,51,.45)' },
  edited: { sign: '≠', colour: 'rgba(210,153,34,.30)' },
  skipped: { sign: '⤼', colour: 'rgba(218,54,51,.28)' },
  unknown: { sign: '?', colour: 'rgba(128,128,128,.18)' },
}

/** What people read of a state: '✓ 21 days ago', '✗ never'. */
export function stateText({ state, at, tookMs }: ComparedState, now: string): string {
  const { sign } = LOOKS[state]
  const took = tookMs === null ? '' : `, in ${durationText(tookMs)}`
  switch (state) {
    case 'applied':
      return `${sign} ${at === null ? 'applied' : `${ageText(at, now)} ago`}${took}`
    case 'edited':
      return `${sign} edited since it ran${at === null ? '' : ` ${ageText(at, now)} ago`}${took}`
    case 'failed':
      return `${sign} failed${at === null ? '' : ` ${ageText(at, now)} ago`}`
    case 'missing':
      return `${sign} never`
    case 'skipped':
      return `${sign} never: skipped`
    case 'unknown':
      return `${sign} not known`
  }
}

export interface MatrixOptions {
  /** Newest first; that many rows, and how many more there are. null: all. */
  readonly most: number | null
}

const CELL = 'padding:4px 10px;border:1px solid rgba(128,128,128,.35);text-align:left;vertical-align:top'
const MUTED = 'font-weight:normal;font-size:85%'

/** A whole `<table>`. */
export function renderMatrix(comparison: Comparison, { most }: MatrixOptions): Html {
  const { environments, comparedAt } = comparison
  const { shown, left, agreeing } = rowsToShow(comparison, most)
  const head = environments.map(
    (name) => html`<th scope="col" style="${CELL}">${name}${sourceLine(comparison, name)}</th>`,
  )
  const body = shown.map(({ subject, states }) => {
    const cells = environments.map((name) => cellOf(states[name] ?? NOT_KNOWN, comparedAt))
    return html`<tr>
      <th scope="row" style="${CELL};font-weight:normal;min-width:8em;overflow-wrap:anywhere">${subject}</th>
      ${cells}
    </tr>`
  })
  const more =
    left === 0
      ? null
      : html`<tr>
          <td colspan="${environments.length + 1}" style="${CELL}">
            and ${left} more, ${agreeing ? 'which are the same everywhere' : 'older ones'}
          </td>
        </tr>`
  return html`<table style="border-collapse:collapse;font-size:14px">
    <caption style="text-align:left;padding:4px 0">
      ${captionOf(comparison)}
    </caption>
    <thead>
      <tr>
        <th scope="col" style="${CELL}">migration</th>
        ${head}
      </tr>
    </thead>
    <tbody>
      ${body}${more}
    </tbody>
  </table>`
}

const NOT_KNOWN: ComparedState = { state: 'unknown', at: null, tookMs: null }

function captionOf({ service, release, migrations }: Comparison): string {
  return `${service} ${release.version}: ${counted(migrations.length, 'migration')}, the newest first`
}

function sourceLine({ sources, comparedAt }: Comparison, environment: string): Html {
  const seen = sources[environment]?.seenAt ?? null
  const text = seen === null ? 'nothing is known' : `seen ${ageText(seen, comparedAt)} ago`
  return html`<br /><span style="${MUTED}">${text}</span>`
}

function cellOf(state: ComparedState, now: string): Html {
  return html`<td style="${CELL};background:${LOOKS[state.state].colour}" title="${state.at}">
    ${stateText(state, now)}
  </td>`
}

type MatrixRow = Comparison['migrations'][number]

/** Where there are too many, those that are not the same everywhere come first: nobody looks at a matrix for the others. */
export function rowsToShow(
  { migrations, environments }: Comparison,
  most: number | null,
): { readonly shown: readonly MatrixRow[]; readonly left: number; readonly agreeing: boolean } {
  const newest = migrations.toReversed()
  if (most === null || newest.length <= most) return { shown: newest, left: 0, agreeing: true }
  const differs = ({ states }: MatrixRow): boolean =>
    environments.some((name) => (states[name]?.state ?? 'unknown') !== 'applied')
  const chosen = new Set([...newest.filter(differs), ...newest.filter((row) => !differs(row))].slice(0, most))
  const left = newest.filter((row) => !chosen.has(row))
  return { shown: newest.filter((row) => chosen.has(row)), left: left.length, agreeing: !left.some(differs) }
}
