import { changesetChecksum } from '../../../functions/ledgers/liquibase-checksum.ts'
import { liquibase } from '../../../functions/ledgers/liquibase.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { textOf, timeOf } from './numbered.ts'

const pathOf = (n: number): string => `db/changes/${String(n).padStart(5, '0')}.sql`

export const contract: LedgerContract = {
  tool: liquibase,
  path: 'db',
  sign: {
    'db/changelog.yaml': 'databaseChangeLog:\n  - includeAll: { path: changes, relativeToChangelogFile: true }\n',
  },
  migration: (n) => ({
    files: { [pathOf(n)]: `--liquibase formatted sql\n\n--changeset ana:${n}\n${textOf(n)}` },
    row: {
      id: String(n),
      author: 'ana',
      filename: pathOf(n),
      dateexecuted: timeOf(n).slice(0, -1),
      orderexecuted: String(n),
      exectype: 'EXECUTED',
      md5sum: changesetChecksum(9, [
        { text: textOf(n), endDelimiter: null, splitStatements: true, stripComments: true },
      ]),
    },
  }),
  keepsOneRow: false,
  checksums: true,
}
