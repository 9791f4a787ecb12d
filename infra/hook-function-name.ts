import { createHash } from 'node:crypto'

/** Lambda takes no longer one. */
const MOST = 64

/**
 * A name as `AWSCodeDeployRoleForLambda` and `…ForECS` let CodeDeploy invoke: it begins with `CodeDeployHook_`. One that would be
 * too long is cut, and ends in a hash of all of it.
 */
export function hookFunctionName(service: string, environment: string, hook: string): string {
  const whole = `CodeDeployHook_deploywatch-${service}-${environment}-${hook}`
  const name = whole.replaceAll(/[^\w-]/gu, '-')
  if (name === whole && name.length <= MOST) return name
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, 8)
  return `${name.slice(0, MOST - hash.length - 1)}-${hash}`
}
