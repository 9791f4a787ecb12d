/** Liquibase's checksums of changes that are SQL (research: AbstractSQLChange, NormalizingStreamV8, ChangeSet.generateCheckSum). */
import { createHash } from 'node:crypto'

/** A change whose text is SQL, as its checksum sees it. */
export interface HashedSql {
  readonly text: string
  readonly endDelimiter: string | null
  readonly splitStatements: boolean
  readonly stripComments: boolean
}

export type ChecksumVersion = 8 | 9

/**
 * The checksum of a changeset: that of version 8 (3.5 to 4.21) sees where there is white space, and how the text is split; that of
 * version 9 neither. Changes for another database system are counted in version 8 only: the caller leaves them out.
 */
export function changesetChecksum(version: ChecksumVersion, changes: readonly HashedSql[]): string {
  const sums = changes.map((change) => `${version}:${md5(version === 9 ? withoutSpace(change) : collapsed(change))}:`)
  return `${version}:${md5(normalised(sums.join('')))}`
}

function withoutSpace({ text }: HashedSql): string {
  return text.replace(/[ \t\r\n]/g, '')
}

function collapsed({ text, endDelimiter, splitStatements, stripComments }: HashedSql): string {
  const body = text.replace(/[ \t\r\n]+/g, ' ').replace(/^ | $/g, '')
  return `${endDelimiter ?? 'null'}:${splitStatements}:${stripComments}:${body}`
}

function normalised(text: string): string {
  return text.replace(/\r\n?/g, '\n').replaceAll('\uFFFD', '').normalize('NFC')
}

function md5(text: string): string {
  return createHash('md5').update(text, 'utf8').digest('hex')
}
