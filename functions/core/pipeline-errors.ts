/** The findings of an audit which say that deployments can go without their migrations. Pure. */
import type { Finding } from './finding.ts'

export const PIPELINE_ERRORS = ['pipeline-step-missing', 'pipeline-order', 'pipeline-step-conditional'] as const
export type PipelineError = (typeof PIPELINE_ERRORS)[number]

/** A missing check step has the code of a missing migration, and is information. */
export function isPipelineError<F extends Pick<Finding, 'code' | 'severity'>>(
  found: F,
): found is F & { readonly code: PipelineError } {
  return found.severity === 'error' && PIPELINE_ERRORS.some((code) => code === found.code)
}
