/** In which order, and how many of them in full, findings are told to people. */
import { FINDING_CODES, type Finding } from '../core/finding.ts'

/** So many findings of a code are shown in full; the rest is a list. */
export const IN_FULL = 3

/** By code, in the order in which each code comes first: the tool's own order within. */
export function byCode(findings: readonly Finding[]): readonly (readonly Finding[])[] {
  const groups = new Map<Finding['code'], Finding[]>()
  for (const finding of findings) {
    const group = groups.get(finding.code)
    if (group === undefined) groups.set(finding.code, [finding])
    else group.push(finding)
  }
  return [...groups.values()]
}

/** What could not be looked at comes before what was seen and could not be told. */
export function blindFirst(findings: readonly Finding[]): readonly Finding[] {
  const isBlind = ({ code }: Finding): boolean => FINDING_CODES[code].group === 'could-not-look'
  return [...findings.filter(isBlind), ...findings.filter((finding) => !isBlind(finding))]
}
