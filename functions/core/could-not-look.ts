/** The findings of a look that could not be had: each says what stood in the way and where to look. Pure. */
import type { CouldNotLookCode, Finding, NextStep } from './finding.ts'
import { finding } from './finding.ts'

export interface CouldNotLookContext {
  readonly environment: string
  /** What was to be looked at, for the subject: the database's name or a table. */
  readonly subject: string
  /** The server's or driver's own words, without secrets. */
  readonly detail: string
}

const EXPECTED: Readonly<Record<CouldNotLookCode, string>> = {
  'database-unreachable': 'the database answers',
  'database-resuming': 'the database resumes within the time that a look waits for it',
  'permission-denied': 'the role that looks may read what it has to',
  'credentials-invalid': 'the database takes the credentials of this environment',
  'data-api-disabled': 'the cluster has its Data API (HTTP endpoint) switched on',
  'check-timeout': 'the look ends within its deadline',
  'look-blocked': 'no lock stands in the way of a look',
  'ledger-unsupported': 'the ledger is one of a tool that is supported',
  'evidence-unreadable': 'the evidence can be read',
  'release-unknown': 'it is known which release this is about',
}

/** The finding for a look that failed for this reason. */
export function couldNotLook(code: CouldNotLookCode, context: CouldNotLookContext): Finding {
  return finding({
    code,
    subject: context.subject,
    expected: EXPECTED[code],
    found: context.detail,
    nextSteps: stepsFor(code, context),
  })
}

function stepsFor(code: CouldNotLookCode, { environment }: CouldNotLookContext): readonly NextStep[] {
  const again = { text: 'then look again', command: `npx deploywatch check --env ${environment}` }
  const explain = { text: 'see the usual reasons', command: `npx deploywatch explain ${code}` }
  switch (code) {
    case 'database-unreachable':
      return [
        {
          text: `check address, port, database name and network of environments.${environment}.database`,
          command: null,
        },
        again,
      ]
    case 'database-resuming':
      return [{ text: 'the cluster was paused and is waking up: wait a minute', command: null }, again]
    case 'credentials-invalid':
      return [
        {
          text: `check user, password or secret of environments.${environment}.database; a secret may have been rotated`,
          command: null,
        },
        again,
      ]
    case 'permission-denied':
      return [
        {
          text: 'print the grants that a look needs, and have the owner run them',
          command: `npx deploywatch init --grants --env ${environment}`,
        },
        again,
      ]
    case 'look-blocked':
      return [{ text: 'wait for that session to end, or ask its owner', command: null }, again]
    case 'data-api-disabled':
    case 'check-timeout':
    case 'ledger-unsupported':
    case 'evidence-unreadable':
    case 'release-unknown':
      return [explain, again]
  }
}
