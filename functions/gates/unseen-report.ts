/** The report of a gate that has no look to show: nobody looked, nobody answered in time, or it is not known for what. */
import { couldNotLook } from '../core/could-not-look.ts'
import type { CouldNotLookCode, Finding } from '../core/finding.ts'
import type { ReleaseReference } from '../core/look-order.ts'
import type { Report } from '../core/report.ts'
import type { GateSettings } from './gate.ts'

export interface Unseen {
  readonly settings: Pick<GateSettings, 'service' | 'environment'>
  /** null: not known. */
  readonly release: ReleaseReference | null
  readonly code: CouldNotLookCode
  /** One sentence. */
  readonly found: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly now: number
}

export function unseenReport(unseen: Unseen): Report {
  const { service, environment } = unseen.settings
  return {
    schema: 'deploywatch/report/1',
    verdict: 'unsure',
    service,
    environment,
    release: releaseNamed(unseen.release),
    startedAt: new Date(unseen.startedAt).toISOString(),
    durationMs: Math.max(0, Math.round(unseen.now - unseen.startedAt)),
    checks: [],
    findings: [unseenFinding(unseen)],
    database: null,
    notes: [],
  }
}

function unseenFinding({ settings, code, found }: Unseen): Finding {
  return couldNotLook(code, { environment: settings.environment, subject: settings.service, detail: found })
}

function releaseNamed(release: ReleaseReference | null): Report['release'] {
  if (release === null) return { version: 'unknown', commit: null }
  switch (release.by) {
    case 'version':
      return { version: release.version, commit: null }
    case 'commit':
      return { version: 'unknown', commit: release.commit }
    case 'digest':
    case 'label':
    case 'running':
      return { version: 'unknown', commit: null }
  }
}

/** In words, for logs and sentences. */
export function referenceText(release: ReleaseReference): string {
  switch (release.by) {
    case 'digest':
      return `the release of digest ${release.digest}`
    case 'version':
      return `release ${release.version}`
    case 'commit':
      return `the release of commit ${release.commit}`
    case 'label':
      return `the release that is labelled ${release.label}`
    case 'running':
      return 'the release that runs'
  }
}
