/** A pipeline's artifact as a release in the store: looked at afterwards as any other one. */
import { ConfigError } from '../config/problem.ts'
import { parseEvidence } from '../release/evidence.ts'
import type { Evidence } from '../release/evidence.ts'
import { manifestOf } from '../release/manifest.ts'
import { publishRelease } from '../release/publish.ts'
import type { PublishInput } from '../release/publish.ts'
import { StoreError } from '../stores/store.ts'
import type { ArtifactCalls } from './codepipeline-job.ts'
import { known, unknown } from './named-release.ts'

/** A manifest that is not what its digest says, or that is another service's, is no release: the reason is told. */
export function publishFromArtifact({
  store,
  service,
  clock,
}: Pick<PublishInput, 'store' | 'service' | 'clock'>): ArtifactCalls['publishFromArtifact'] {
  return async ({ header, catalog, evidence }) => {
    const files = { header, catalog }
    try {
      const { digest } = manifestOf(files, "the artifact's manifest").expectation
      await publishRelease({
        store,
        service,
        digest,
        files,
        evidence: evidence.flatMap((text) => evidenceOf(text, service, digest)),
        labels: [],
        clock,
      })
      return known({ by: 'digest', digest })
    } catch (error) {
      if (error instanceof ConfigError || error instanceof StoreError) return unknown(error.message.trim())
      throw error
    }
  }
}

/** What cannot be read, or is of another expectation, is left out: then less is known, and nothing wrong. */
function evidenceOf(text: string, service: string, digest: string): readonly Evidence[] {
  const parsed = parseEvidence(text)
  if (parsed.kind === 'unreadable') return []
  const { evidence } = parsed
  return evidence.service === service && evidence.expectation === digest ? [evidence] : []
}
