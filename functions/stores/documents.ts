/**
 * Small documents that several writers share (watches, incidents, what was seen of a deployment): each write names the
 * version that it has read, and the loser of two reads again. The folder store and DynamoDB hold them alike.
 */
export interface VersionedDocument {
  /** JSON. */
  readonly text: string
  /** Opaque: another after each write. */
  readonly version: string
}

export interface Documents {
  document(key: string): Promise<VersionedDocument | null>
  /**
   * Writes where the document still has that version; null: where there is none yet. Answers whether it was written.
   * `expiresAt`: ISO 8601, from when on it may be forgotten; null: never. One that has expired counts as absent.
   */
  putDocument(key: string, text: string, version: string | null, expiresAt: string | null): Promise<boolean>
}
