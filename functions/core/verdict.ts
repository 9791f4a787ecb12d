import type { Finding } from './finding.ts'

export type Verdict = 'pass' | 'fail' | 'unsure'

/** `fail` if any finding is an error, else `unsure` if any could not be judged, else `pass`. */
export function verdictOf(findings: readonly Pick<Finding, 'severity'>[]): Verdict {
  if (findings.some((finding) => finding.severity === 'error')) return 'fail'
  if (findings.some((finding) => finding.severity === 'unsure')) return 'unsure'
  return 'pass'
}
