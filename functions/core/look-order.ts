/**
 * What a gate, a watch or a schedule asks of whoever looks, and what it is answered. Plain data: in AWS it crosses a function's
 * border, because the function that answers a deployment system stays outside the VPC in which the database is.
 */
import type { Report } from './report.ts'

/** Which release is meant. None is guessed: what cannot be told is `release-unknown`. */
export type ReleaseReference =
  | { readonly by: 'digest'; readonly digest: string }
  | { readonly by: 'version'; readonly version: string }
  | { readonly by: 'commit'; readonly commit: string }
  /** What `publish --label` gave it: an image digest, a function's version, a revision's key. */
  | { readonly by: 'label'; readonly label: string }
  /** The one that the store says is running: looks between deployments. */
  | { readonly by: 'running' }

export interface LookOrder {
  readonly service: string
  readonly environment: string
  readonly release: ReleaseReference
  /** The new code is live: endpoints are judged. */
  readonly deployed: boolean
  /** For the whole look, in milliseconds. */
  readonly deadlineMs: number
}

export interface LookAnswer {
  readonly report: Report
  /** Whether a deployment may go on: a pass, or unsure where the environment says `unsure: warn`. */
  readonly proceed: boolean
}

/** Never rejects for what a look met: that is a finding. It rejects where nobody looked, and a caller makes `unsure` of it. */
export type Looker = (order: LookOrder) => Promise<LookAnswer>
