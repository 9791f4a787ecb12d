import type { Finding } from '../core/finding.ts'
import type { Report } from '../core/report.ts'

/** The finding with the contract's keys, in the contract's order. */
function findingDocument(finding: Finding): Finding {
  const { estimate } = finding
  return {
    code: finding.code,
    severity: finding.severity,
    subject: finding.subject,
    expected: finding.expected,
    found: finding.found,
    source: finding.source.map(({ file, line }) => ({ file, line })),
    causes: finding.causes.map(({ text, evidence }) => ({ text, evidence })),
    consequences: finding.consequences,
    nextSteps: finding.nextSteps.map(({ text, command }) => ({ text, command })),
    estimate:
      estimate === null
        ? null
        : {
            class: estimate.class,
            lowMs: Math.round(estimate.lowMs),
            highMs: Math.round(estimate.highMs),
            multiplier: estimate.multiplier,
            basis: estimate.basis,
            beside: estimate.beside,
          },
  }
}

/** The document with the contract's keys only, in the contract's order: a richer object must not leak into it. */
function reportDocument(report: Report): Report {
  const { database } = report
  return {
    schema: report.schema,
    verdict: report.verdict,
    service: report.service,
    environment: report.environment,
    release: { version: report.release.version, commit: report.release.commit },
    startedAt: report.startedAt,
    durationMs: Math.round(report.durationMs),
    checks: report.checks.map(({ name, outcome, durationMs }) => ({
      name,
      outcome,
      durationMs: Math.round(durationMs),
    })),
    findings: report.findings.map(findingDocument),
    database:
      database === null
        ? null
        : {
            engine: database.engine,
            version: database.version,
            roundTrips: database.roundTrips,
            bytesRead: database.bytesRead,
          },
    notes: report.notes,
  }
}

/**
 * The contract's document `deploywatch/report/1`, with a trailing newline. Milliseconds are whole.
 *
 * JSON escapes C0 controls itself; DEL, C1, separators and format characters are escaped here as well, since the
 * document is also read on terminals (U+009B begins an escape sequence there). It parses to the same text.
 */
export function renderJson(report: Report): string {
  const text = JSON.stringify(reportDocument(report), null, 2)
  const escaped = text.replace(/[\u007F-\u009F]|\p{Cf}|\p{Zl}|\p{Zp}/gu, (character) =>
    // By UTF-16 unit, as JSON wants it: format characters exist above U+FFFF too.
    Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
      .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
      .join(''),
  )
  return `${escaped}\n`
}
