/** A task of a state machine (`lambda:invoke`): the verdict as a document, or an error that `Catch` knows by its name. */
import type { Finding } from '../core/finding.ts'
import type { Report } from '../core/report.ts'
import type { Verdict } from '../core/verdict.ts'
import { gateText } from '../outputs/gate-text.ts'
import type { Gate, GateAnswer } from './gate.ts'
import { GateRefused } from './gate.ts'
import type { GateParameters } from './gate-parameters.ts'
import { readParameters, releaseOfParameters } from './gate-parameters.ts'
import { unknown } from './named-release.ts'

/** What the task answers. */
export interface VerdictDocument {
  readonly schema: 'deploywatch/gate/1'
  readonly proceed: boolean
  /** null: nothing was looked at. */
  readonly verdict: Verdict | null
  readonly service: string | null
  readonly environment: string | null
  readonly release: Report['release'] | null
  /** For people. */
  readonly text: string
  /** The first ones, errors first. */
  readonly findings: readonly Pick<Finding, 'code' | 'severity' | 'subject' | 'found'>[]
  /** Findings that are not in the list. */
  readonly more: number
}

/** A state's input and output have 256 KiB in all: the document leaves most of them to others. */
const TEXT_BYTES = 8192
const FINDINGS = 20
const SENTENCE = 500

export interface StepFunctionsTaskOptions {
  /** `throw`: a refusal is the error `DeploywatchRefused`. `answer`: it is a document whose `proceed` is false. */
  readonly onRefusal: 'throw' | 'answer'
}

const PLACE = "the task's input"

export function stepFunctionsTask({ onRefusal }: StepFunctionsTaskOptions): Gate<'caller', GateParameters> {
  return {
    name: 'step-functions-task',
    recognise: (event) => {
      const read = readParameters(event ?? {}, PLACE)
      return read.kind === 'read'
        ? { kind: 'request', address: 'caller', request: read.parameters }
        : { kind: 'malformed', address: 'caller', why: read.why }
    },
    exempt: async () => null,
    release: async (parameters, { settings }) =>
      releaseOfParameters(parameters, PLACE, settings) ??
      unknown(`${PLACE} names no release: give it digest, version, commit or label`),
    deployed: ({ deployed }) => deployed === true,
    progress: () => null,
    deliver: async (_address, answer) => {
      const document = verdictDocument(answer)
      if (!document.proceed && onRefusal === 'throw') throw new GateRefused(document.text)
      return document
    },
  }
}

function verdictDocument(answer: GateAnswer): VerdictDocument {
  const { report } = answer
  const findings = report === null ? [] : bySeverity(report.findings)
  return {
    schema: 'deploywatch/gate/1',
    proceed: answer.kind === 'proceed',
    verdict: report?.verdict ?? null,
    service: report?.service ?? null,
    environment: report?.environment ?? null,
    release: report?.release ?? null,
    text: report === null ? (answer.kind === 'proceed' ? answer.why : '') : gateText(report, TEXT_BYTES),
    findings: findings.slice(0, FINDINGS).map(({ code, severity, subject, found }) => ({
      code,
      severity,
      subject: subject.slice(0, SENTENCE),
      found: found.slice(0, SENTENCE),
    })),
    more: Math.max(0, findings.length - FINDINGS),
  }
}

const ORDER: readonly Finding['severity'][] = ['error', 'unsure', 'warning', 'info']

function bySeverity(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity))
}
