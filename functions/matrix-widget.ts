/**
 * The matrix as CloudWatch's custom widget: migrations × environments of the newest release that was published, from the store alone.
 * What other environments showed was published with the release; this one's own standing is what the function that looks saw last.
 *
 * The protocol: the function is invoked by whoever looks at the dashboard, with a `widgetContext`, and answers HTML, of which
 * CloudWatch drops scripts; `{ describe: true }` asks for its documentation, as Markdown.
 */
import { ageText } from './core/age.ts'
import { html } from './outputs/html/markup.ts'
import type { Html } from './outputs/html/markup.ts'
import { renderMatrix } from './outputs/matrix.ts'
import { findRelease } from './release/find-release.ts'
import type { ReleaseManifest } from './release/manifest.ts'
import { compareStored } from './stored-comparison.ts'
import type { Documents } from './stores/documents.ts'
import type { PublishedReleases } from './stores/published.ts'
import type { RunningRelease, Store } from './stores/store.ts'

export interface MatrixWidgetInput {
  readonly service: string
  readonly environment: string
  readonly store: Pick<Store, 'manifest' | 'runningRelease' | 'evidence'> & PublishedReleases & Documents
  /** Milliseconds since 1970. */
  readonly clock: () => number
  readonly log: (entry: unknown) => void
}

/** A widget is some 40 lines high; what is not the same everywhere comes first. */
const MOST_ROWS = 40

export const DESCRIPTION = `# Deploywatch: migrations × environments

Shows which migrations of the newest published release are applied in which environment, and since when. It reads the store of
Deploywatch in this account, and no database: other environments are shown by the evidence that \`npx deploywatch record\` wrote and
\`npx deploywatch publish\` put into the store; this one by the last look.

## Parameters

None.
`

export function createMatrixWidget(input: MatrixWidgetInput): (event: unknown) => Promise<string> {
  return async (event) => {
    if (typeof event === 'object' && event !== null && 'describe' in event && event.describe === true)
      return DESCRIPTION
    try {
      return (await render(input)).markup
    } catch (error) {
      // A widget shows what its function throws as it is, with the stack.
      const reason = error instanceof Error ? error.message : String(error)
      input.log({ kind: 'beside', what: 'matrix', why: reason })
      return paragraph(`the matrix could not be made: ${reason}`).markup
    }
  }
}

async function render(input: MatrixWidgetInput): Promise<Html> {
  const { service, environment, store } = input
  const [newest, running] = await Promise.all([
    store.latestPublished(service),
    store.runningRelease(service, environment),
  ])
  if (newest === null && running === null) {
    return paragraph(
      `no release of ${service} was published here yet: run \`npx deploywatch publish\` in the pipeline, with the evidence of the environments before this one`,
    )
  }
  const reference = newest === null ? ({ by: 'running' } as const) : ({ by: 'digest', digest: newest.digest } as const)
  const found = await findRelease({ store, service, environment, reference })
  if (!found.found) return paragraph(`the newest release cannot be shown: ${found.why}`)
  const shown = newest === null ? null : { version: newest.version, commit: newest.commit }
  return renderRelease(input, found.manifest, shown, running)
}

async function renderRelease(
  input: MatrixWidgetInput,
  { expectation }: ReleaseManifest,
  name: { readonly version: string; readonly commit: string | null } | null,
  running: RunningRelease | null,
): Promise<Html> {
  const { environment } = input
  const now = new Date(input.clock()).toISOString()
  const release = { ...expectation.release, ...name }
  const { comparison, problems } = await compareStored({ ...input, expectation, release, now })
  const runs =
    running === null
      ? `which release runs in ${environment} is not known`
      : `${running.version} runs in ${environment} since ${ageText(running.since, now)}`
  return html`${renderMatrix(comparison, { most: MOST_ROWS })}${paragraph(runs)}${problems.map(paragraph)}`
}

function paragraph(text: string): Html {
  return html`<p>${text}</p>`
}
