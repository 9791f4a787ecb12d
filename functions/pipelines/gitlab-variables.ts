/** Variables of GitLab CI, and the jobs that a `parallel: matrix` makes. */
import { isKnown, opaque } from './opaque.ts'
import { entriesOf, itemsOf, nodeAt, textAt, textsOf, type YamlNode } from './yaml-nodes.ts'

export interface Combination {
  readonly label: string
  readonly values: ReadonlyMap<string, string>
}

export function matrixOf(job: YamlNode): readonly Combination[] {
  const rows = itemsOf(nodeAt(job, 'parallel', 'matrix'))
  if (rows.length === 0) return [{ label: '', values: new Map() }]
  return rows.flatMap((row) => {
    let combinations: readonly ReadonlyMap<string, string>[] = [new Map()]
    for (const [name, { value }] of entriesOf(row)) {
      combinations = combinations.flatMap((one) => textsOf(value).map((text) => new Map([...one, [name, text]])))
    }
    return combinations.map((values) => ({ label: `: [${[...values.values()].join(', ')}]`, values }))
  })
}

export function variablesOf(root: YamlNode, job: YamlNode, { values }: Combination): Map<string, string> {
  const variables = new Map<string, string>()
  for (const [name, { value }] of [...entriesOf(nodeAt(root, 'variables')), ...entriesOf(nodeAt(job, 'variables'))]) {
    const text = textAt(value, 'value') ?? textAt(value) ?? ''
    variables.set(name, expand(text, new Map([...variables, ...values])))
  }
  for (const [name, value] of values) variables.set(name, value)
  return variables
}

/** `$NAME` and `${NAME}` filled in; one that is not known stays opaque. */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return isKnown(text)
    ? text.replace(/\$\{?(\w+)\}?/gu, (_, name: string) => variables.get(name) ?? opaque(name))
    : text
}
