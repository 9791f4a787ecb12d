/**
 * The AppSpec of a CodeDeploy deployment of a function or an ECS service, as far as it says what is deployed. JSON or YAML: only
 * a few keys are read, by their lines, since no parser is bundled for two values.
 */
export interface AppSpec {
  /** `name:version`; [] where the two cannot be paired. */
  readonly functions: readonly string[]
  /** As written, an ARN or `family:revision`. */
  readonly taskDefinitions: readonly string[]
}

export function readAppSpec(content: string): AppSpec {
  const plain = content.replaceAll(/^\s*#.*$|\s#.*$/gmu, '')
  const value = (key: string): readonly string[] =>
    [...plain.matchAll(new RegExp(`(?<![\\w-])["']?${key}["']?\\s*:\\s*["']?([^\\s"',}\\]]+)`, 'giu'))].map(
      (match) => match[1] ?? '',
    )
  const names = value('Name')
  const versions = value('TargetVersion')
  const paired = names.length === versions.length ? names.map((name, at) => `${shortName(name)}:${versions[at]}`) : []
  return { functions: paired, taskDefinitions: value('TaskDefinition') }
}

/** `arn:aws:ecs:…:task-definition/orders:17` → `orders:17`; `arn:aws:lambda:…:function:orders` → `orders`. */
export function shortName(name: string): string {
  if (!name.startsWith('arn:')) return name
  return name.split(':task-definition/')[1] ?? name.split(':function:')[1] ?? name
}
