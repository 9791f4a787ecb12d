/** Which release an answer is from: asked before anything else is held against it. */
import type { RevisionSight } from '../core/endpoint.ts'
import type { ReadableAnswer } from './extract.ts'
import { extractValue, printExtraction } from './extract.ts'
import type { Values } from './fill.ts'
import { fillText } from './fill.ts'
import { printValue } from './comparisons.ts'
import type { Mask } from './masker.ts'
import type { RevisionConfig } from './parts.ts'

export function readRevision(
  revision: RevisionConfig | null,
  answer: ReadableAnswer,
  values: Values,
  mask: Mask,
): RevisionSight | null {
  if (revision === null) return null
  const expected = fillText(revision.equals, values)
  const found = extractValue(revision, answer)
  const isScalar = found.there && ['string', 'number'].includes(typeof found.value)
  return {
    // A build number may be a number in JSON.
    holds: isScalar && String(found.value).trim() === expected,
    where: printExtraction(revision),
    expected: mask(expected),
    found: isScalar && String(found.value).trim() !== '' ? printValue(found, mask).replaceAll(/^"|"$/gu, '') : null,
  }
}
