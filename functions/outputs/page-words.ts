/** What a finding is called in a page: a few words that can be read aloud. `%` stands for the subject. */
import { FINDING_CODES, type FindingCode } from '../core/finding.ts'
import { visibleName } from './visible-text.ts'

const PHRASES: Readonly<Record<FindingCode, string>> = {
  'migration-missing': 'migration % has not run',
  'migration-skipped': 'migration % was skipped',
  'migration-failed': 'migration % failed',
  'migration-edited': 'migration % is not the text that ran',
  'migration-unknown': 'migration % is not in the release',
  'ledger-missing': 'the ledger % is missing',
  'ledger-ambiguous': 'the ledger % cannot be told',
  'ledger-locked': 'the ledger is locked by %',
  'migrate-unconfirmed': 'migrating ended without the schema of %',
  'expectation-empty': 'the release expects nothing of %',
  'replay-failed': '% could not be replayed',
  'table-missing': 'table % is missing',
  'column-missing': 'column % is missing',
  'column-differs': 'column % differs',
  'index-missing': 'index % is missing',
  'index-invalid': 'index % is invalid',
  'constraint-missing': 'constraint % is missing',
  'constraint-invalid': 'constraint % is invalid',
  'enum-value-missing': 'enum value % is missing',
  'view-missing': 'view % is missing',
  'routine-missing': 'routine % is missing',
  'sequence-missing': 'sequence % is missing',
  'trigger-missing': 'trigger % is missing',
  'extension-missing': 'extension % is missing',
  'policy-missing': 'policy % is missing',
  'type-missing': 'type % is missing',
  'grant-missing': 'grant % is missing',
  'object-differs': '% differs',
  'object-unexpected': '% is not in the release',
  'schema-changed': '% changed since the last good look',
  'query-broken': 'query % is broken',
  'query-slow': 'query % is slow',
  'query-result': 'query % answers what it should not',
  'query-refused': 'query % could write and was not run',
  'endpoint-failed': 'endpoint % fails',
  'endpoint-slow': 'endpoint % is slow',
  'endpoint-result': 'endpoint % answers what it should not',
  'revision-mismatch': '% does not answer with this release',
  'environment-behind': '% is behind',
  'pipeline-step-missing': 'a pipeline step is missing: %',
  'pipeline-order': 'pipeline steps are in the wrong order: %',
  'pipeline-step-conditional': 'a pipeline step is conditional: %',
  'pipeline-unreadable': 'the pipeline cannot be read: %',
  'database-unreachable': 'database % cannot be reached',
  'database-resuming': 'database % is resuming',
  'permission-denied': 'permission denied on %',
  'credentials-invalid': 'the credentials for % are refused',
  'data-api-disabled': 'the Data API of % is off',
  'check-timeout': '% was not confirmed in time',
  'look-blocked': 'a lock on % is in the way',
  'ledger-unsupported': 'the ledger % is not supported',
  'evidence-unreadable': 'the evidence % cannot be read',
  'release-unknown': 'the release of % is not known',
}

/** What stands before the subject, and after it. */
export function phraseAround(code: FindingCode): readonly [before: string, after: string] {
  const [before = '', after = ''] = PHRASES[code].split('%')
  return [before, after]
}

export function phraseOf(code: FindingCode, subject: string): string {
  const [before, after] = phraseAround(code)
  return before + visibleName(subject) + after
}

/** Of a key "code subject". One of a later version, whose code is not known here, stays as it is. */
export function phraseOfKey(key: string): string {
  const space = key.indexOf(' ')
  const code = key.slice(0, space)
  return Object.hasOwn(FINDING_CODES, code) ? phraseOf(code as FindingCode, key.slice(space + 1)) : visibleName(key)
}
