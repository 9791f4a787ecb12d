/** The port to what is remembered between looks: a folder here, S3 with DynamoDB in AWS. */
import type { Sample } from '../core/baseline.ts'
import type { Finding } from '../core/finding.ts'
import type { KeptSchema, LastGood } from '../core/last-good.ts'

/** A database that was seen to be as the release expects, and how it is recognised again. */
export interface VerifiedStamp {
  /** Stamp of the catalogs, the same before and after the look. */
  readonly stamp: string
  /** The ledgers and their row digests at that time. */
  readonly ledgers: readonly { readonly schema: string; readonly table: string; readonly digest: string }[]
  /** ISO 8601, UTC. */
  readonly at: string
  /** By what each tool was recognised, repeated in the unchanged look's report. */
  readonly notes: readonly string[]
  /** What the passing look had to say beside: information and warnings. */
  readonly findings: readonly Finding[]
}

/** What a verified stamp is valid for. All parts count. */
export interface StampKey {
  readonly service: string
  readonly environment: string
  readonly systemIdentifier: string
  readonly database: string
  readonly schemas: string
  readonly expectationDigest: string
  readonly readerVersion: string
}

export interface RunningRelease {
  readonly version: string
  readonly commit: string | null
  readonly manifestDigest: string
  readonly since: string
}

/** The counts of the latest `record`. No text is in it. */
export interface Recording {
  /** Of the release that was running. */
  readonly manifestDigest: string
  readonly systemIdentifier: string
  readonly database: string
  /** ISO 8601, UTC. */
  readonly at: string
  /** When the server's counts began anew, as it writes it; null: it does not say. */
  readonly resetAt: string | null
  /** Calls and milliseconds by "role id". */
  readonly counts: Readonly<Record<string, readonly [calls: number, totalMs: number]>>
}

export interface Store {
  /** All stamps of a service in an environment for this expectation: the system identifier is only known after connecting. */
  verifiedStamps(
    key: Omit<StampKey, 'systemIdentifier' | 'database'>,
  ): Promise<readonly (VerifiedStamp & { readonly key: StampKey })[]>
  putVerifiedStamp(key: StampKey, stamp: VerifiedStamp): Promise<void>
  /** What a database was at the last good look, of which the latest counts; null: none, or it cannot be read: then it begins anew. */
  keptSchema(key: StampKey): Promise<KeptSchema | null>
  putKeptSchema(key: StampKey, schema: KeptSchema): Promise<void>
  /** Until when it was known to be so, and what was seen since; null as above. */
  lastGood(key: StampKey): Promise<LastGood | null>
  putLastGood(key: StampKey, lastGood: LastGood): Promise<void>
  /** @throws {StoreError} what is kept cannot be read: that is not the same as none. */
  runningRelease(service: string, environment: string): Promise<RunningRelease | null>
  putRunningRelease(service: string, environment: string, release: RunningRelease): Promise<void>
  /**
   * Immutable: the same digest is the same content.
   *
   * @throws {StoreError} another content stands under the digest.
   */
  putManifest(
    service: string,
    digest: string,
    files: { readonly header: Buffer; readonly catalog: Buffer },
  ): Promise<void>
  manifest(service: string, digest: string): Promise<{ readonly header: Buffer; readonly catalog: Buffer } | null>
  /** What environments showed of an expectation: one document each, as text, in a fixed order. */
  evidence(service: string, expectationDigest: string): Promise<readonly string[]>
  putEvidence(service: string, expectationDigest: string, environment: string, text: string): Promise<void>
  /** How far the statements of an environment have been learnt; null: not at all, or it cannot be read: then it begins anew. */
  recording(service: string, environment: string): Promise<Recording | null>
  putRecording(service: string, environment: string, recording: Recording): Promise<void>
  putReport(service: string, environment: string, report: string, at: string): Promise<void>
  /** HTML for people, by a name: written again, it is the newer one. Answers the URL under which they open it. */
  putReportPage(service: string, environment: string, name: string, page: string): Promise<string>
  /**
   * The latest samples of each check and name, of every release, oldest first: at most `SAMPLES_KEPT` of each. `revision`
   * tells those before a deployment from those after it. What cannot be read is left out: then there is less to compare.
   */
  samples(service: string, environment: string): Promise<readonly Sample[]>
  /** Adds samples. The same one put twice is one; writers at the same time lose none. */
  putSamples(service: string, environment: string, samples: readonly Sample[]): Promise<void>
}

/**
 * - `conflict`: other content stands under the digest.
 * - `unreadable`: what is kept is no longer whole.
 * - `missing`: there is no such bucket or table.
 * - `denied`: the credentials are not taken, or may not do it.
 * - `unavailable`: no answer, an answer that came too late, or too many requests: to be tried again.
 */
type StoreProblem = 'conflict' | 'unreadable' | 'missing' | 'denied' | 'unavailable'

/** What a store refuses, holds but cannot read, or why it cannot be reached. Its message says what to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  constructor(
    message: string,
    readonly problem: StoreProblem,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}
