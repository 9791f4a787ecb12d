/** Findings of cdk-nag that are meant to be so: each with its reason, beside the line that causes it. */
import { Stack, Validations } from 'aws-cdk-lib'
import type { IConstruct } from 'constructs'

export function acknowledge(construct: IConstruct, rule: string, reason: string): void {
  Validations.of(construct).acknowledge({ id: `AwsSolutions-${rule}`, reason })
}

/** An ARN with references in it, as cdk-nag writes it. */
export function readable(scope: IConstruct, arn: string): string {
  const resolved = Stack.of(scope).resolve(arn) as unknown
  if (typeof resolved === 'string') return resolved
  if (!Object.hasOwn(resolved as object, 'Fn::Join')) return `<${referenceOf(resolved as Reference)}>`
  const { 'Fn::Join': join } = resolved as { readonly 'Fn::Join': readonly [string, readonly unknown[]] }
  return join[1].map((part) => (typeof part === 'string' ? part : `<${referenceOf(part as Reference)}>`)).join(join[0])
}

interface Reference {
  readonly Ref?: string
  readonly 'Fn::GetAtt'?: readonly string[]
}

function referenceOf({ Ref, 'Fn::GetAtt': attribute = [] }: Reference): string {
  return Ref ?? attribute.join('.')
}
