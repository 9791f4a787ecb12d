/** Values of a CloudFormation template as far as the template alone tells them. */
import { opaque } from './opaque.ts'
import { entriesOf, itemsOf, nodeAt, textAt, textsOf, type YamlNode } from './yaml-nodes.ts'

export interface Template {
  readonly root: YamlNode
}

/** A value as text; what is made elsewhere (an import, an attribute) stays opaque under its name. */
export function templateText(node: YamlNode | null, template: Template, depth = 0): string {
  if (node === null || depth > 20) return ''
  if (node.kind === 'text') return node.value
  if (node.kind === 'list') return node.items.map((item) => templateText(item, template, depth + 1)).join(',')
  const ref = textAt(node, 'Ref')
  if (ref !== null) return textAt(template.root, 'Parameters', ref, 'Default') ?? opaque(ref)
  const join = itemsOf(nodeAt(node, 'Fn::Join'))
  if (join.length === 2 && join[1] !== undefined) {
    return itemsOf(join[1])
      .map((item) => templateText(item, template, depth + 1))
      .join(templateText(join[0] ?? null, template, depth + 1))
  }
  const sub = nodeAt(node, 'Fn::Sub')
  const text = sub?.kind === 'list' ? textAt(sub.items[0]) : textAt(sub)
  if (text !== null)
    return text.replace(
      /\$\{([^!}]+)\}/gu,
      (_, name: string) => textAt(template.root, 'Parameters', name, 'Default') ?? opaque(name),
    )
  return opaque(textsOf(nodeAt(node, 'Fn::GetAtt')).join('.') || [...node.entries.keys()].join('_'))
}

/** The resource that a value names: by a reference, or by the name that it has. */
export function resourceFor(
  node: YamlNode | null,
  type: string,
  template: Template,
): readonly [string, YamlNode] | null {
  const attribute = nodeAt(node, 'Fn::GetAtt')
  const ref =
    textAt(node, 'Ref') ??
    (attribute?.kind === 'text' ? (attribute.value.split('.')[0] ?? null) : (textsOf(attribute)[0] ?? null))
  const name = templateText(node, template)
  for (const [id, { value }] of entriesOf(nodeAt(template.root, 'Resources'))) {
    if (textAt(value, 'Type') !== type) continue
    if (id === ref || templateText(nodeAt(value, 'Properties', 'Name'), template) === name) return [id, value]
  }
  return null
}

export function resourcesOf(template: Template, type: string): readonly (readonly [string, YamlNode])[] {
  return entriesOf(nodeAt(template.root, 'Resources')).flatMap(([id, { value }]) =>
    textAt(value, 'Type') === type ? [[id, value] as const] : [],
  )
}
