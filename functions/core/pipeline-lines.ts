/** The lines that a pipeline lacks, in the words of its system. Pure. */
import type { LineEdit } from './line-edit.ts'
import type { DatabaseVariable, Insertion } from './pipeline.ts'

export interface MissingStep {
  /** `Migrate production` */
  readonly title: string
  readonly command: string
  /** Variables that it needs. */
  readonly variables: readonly DatabaseVariable[]
}

/** The steps as lines at their place; null in a file that a program makes. */
export function linesFor(insertion: Insertion, steps: readonly MissingStep[]): LineEdit | null {
  if (insertion.generated) return null
  const written = { github: githubStep, gitlab: listItem, buildspec: listItem, codepipeline: stage }[insertion.style]
  const lines = steps.flatMap((step) => written(step, insertion))
  const { file, line, indent } = insertion
  return { file, line, removed: 0, inserted: lines.map((one) => ' '.repeat(indent) + one) }
}

function githubStep({ title, command, variables }: MissingStep): readonly string[] {
  return [
    `- name: ${title}`,
    ...(variables.length === 0
      ? []
      : ['  env:', ...variables.map(({ name, value }) => `    ${name}: ${value.replace(/<([^>]*)>/gu, '${{ $1 }}')}`)]),
    ...(isPlain(command) ? [`  run: ${command}`] : ['  run: |', `    ${command}`]),
  ]
}

function listItem({ command, variables }: MissingStep): readonly string[] {
  const line = [...variables.map(({ name, value }) => `${name}="${shellText(value)}"`), command].join(' ')
  return [isPlain(line) ? `- ${line}` : `- '${line.replaceAll("'", "''")}'`]
}

function shellText(value: string): string {
  return value.replace(/<(?:secrets\.|vars\.)?([^>]*)>/gu, '$$$1')
}

/** A stage with an action that runs the commands: `Commands` of CodePipeline needs no project. */
function stage({ title, command }: MissingStep, { file, artifact }: Insertion): readonly string[] {
  const name = title.replace(/[^\w]+(.)/gu, (_, letter: string) => letter.toUpperCase())
  const [action = name] = title.split(' ')
  if (file.endsWith('.json')) {
    const lower = artifact?.startsWith('exported:') === true
    const source = artifact?.replace('exported:', '') ?? 'source'
    const text = `{ "name": "${name}", "actions": [{ "name": "${action}", "runOrder": 1, "actionTypeId": { "category": "Compute", "owner": "AWS", "provider": "Commands", "version": "1" }, "commands": ["${command.replaceAll('"', '\\"')}"], "inputArtifacts": [{ "name": "${source}" }] }] },`
    return [
      lower
        ? text
        : text.replace(/"([a-z])(\w*)":/gu, (_, first: string, rest: string) => `"${first.toUpperCase()}${rest}":`),
    ]
  }
  return [
    `- Name: ${name}`,
    '  Actions:',
    `    - Name: ${action}`,
    '      ActionTypeId: { Category: Compute, Owner: AWS, Provider: Commands, Version: "1" }',
    '      Commands:',
    `        - ${isPlain(command) ? command : `'${command.replaceAll("'", "''")}'`}`,
    `      InputArtifacts: [{ Name: ${artifact ?? 'source'} }]`,
  ]
}

/** Whether YAML takes a text without quotes as it is. */
function isPlain(text: string): boolean {
  return !/: |:$| #|^[\s!&*?|>@`%'"#{}[\],-]|[\n"']$/u.test(text)
}
