/** When a job of GitLab CI runs: `rules`, `only`, `when`, `allow_failure`, as conditions with their places. */
import type { StepRemark } from '../core/pipeline.ts'
import { flatItems } from './gitlab-config.ts'
import { entryOf, nodeAt, textAt, textsOf, type YamlNode } from './yaml-nodes.ts'

export interface GitlabTiming {
  readonly guards: readonly StepRemark[]
  readonly lapse: StepRemark | null
  /** It starts though a job before it failed. */
  readonly regardless: StepRemark | null
  readonly never: boolean
}

/** `when: manual` and its like of a job, or of the rule that lets it in. */
export function timingOf(job: YamlNode, name: string, root: YamlNode): GitlabTiming {
  const rules = entryOf(job, 'rules')
  const conditions = rules === null ? onlyOf(job) : rulesOf(rules.value, root)
  const given = workflowTexts(root)
  const guards = conditions.guards.filter(({ text }) => !given.includes(text))
  const when = textAt(job, 'when') ?? conditions.when
  const whenEntry = entryOf(job, 'when') ?? conditions.whenEntry
  const failure = entryOf(job, 'allow_failure') ?? conditions.failureEntry
  const allows = failure === null ? null : textAt(failure.value) !== 'false'
  // Outside of rules a manual job may be left alone: the pipeline goes on without it.
  const isManual = when === 'manual'
  const isLeft = isManual && (allows ?? rules === null)
  const place = whenEntry?.key ?? job.place
  const block = {
    file: place.file,
    line: place.line + 1,
    removed: 0,
    inserted: [`${' '.repeat(Math.max(0, indentOf(job, whenEntry?.value ?? null)))}allow_failure: false`],
  }
  const byHand: readonly StepRemark[] = isLeft
    ? [
        {
          text: `somebody has to start ${name} by hand, and the pipeline goes on without`,
          place,
          remedy: allows === null && !isFlow(job) ? block : null,
        },
      ]
    : []
  const after: readonly StepRemark[] =
    when === 'on_failure' ? [{ text: 'it runs only after a failure', place, remedy: null }] : []
  const lapse =
    allows === true && failure !== null && !isManual
      ? {
          text: 'allow_failure: true',
          place: failure.key,
          remedy: isFlow(job)
            ? null
            : {
                file: failure.key.file,
                line: failure.key.line,
                removed: failure.value.end - failure.key.line + 1,
                inserted: [],
              },
        }
      : null
  return {
    guards: [...guards, ...byHand, ...after],
    lapse: lapse ?? (isLeft ? { text: 'a manual job may fail without consequences', place, remedy: null } : null),
    regardless: when === 'always' ? { text: 'when: always', place, remedy: null } : null,
    never: when === 'never' || conditions.never,
  }
}

function isFlow(node: YamlNode): boolean {
  return node.kind !== 'text' && node.flow
}

function indentOf(job: YamlNode, value: YamlNode | null): number {
  // A key stands where its mapping's keys do; `when: ` before the value.
  return value === null ? job.indent : value.indent - 'when: '.length
}

interface Conditions {
  readonly guards: readonly StepRemark[]
  readonly when: string | null
  readonly whenEntry: ReturnType<typeof entryOf>
  readonly failureEntry: ReturnType<typeof entryOf>
  readonly never: boolean
}

function rulesOf(rules: YamlNode, root: YamlNode): Conditions {
  const items = flatItems(rules, root)
  const runs = items.filter((item) => textAt(item, 'when') !== 'never')
  const refused = items.flatMap((item) => (textAt(item, 'when') === 'never' ? [textOfRule(item)] : []))
  const texts = runs.map(textOfRule)
  const place = rules.place
  const isAny = texts.includes('')
  const guards: readonly StepRemark[] = [
    ...(isAny || texts.length === 0 ? [] : [{ text: texts.join(' || '), place, remedy: null }]),
    ...(isAny ? refused.filter(Boolean).map((text) => ({ text: `not ${text}`, place, remedy: null })) : []),
  ]
  const manual = runs.find((item) => textAt(item, 'when') !== null) ?? null
  const tolerant = runs.find((item) => textAt(item, 'allow_failure') !== null) ?? null
  return {
    guards,
    when: textAt(manual, 'when'),
    whenEntry: entryOf(manual, 'when'),
    failureEntry: entryOf(tolerant, 'allow_failure'),
    never: runs.length === 0,
  }
}

function textOfRule(rule: YamlNode): string {
  const changes = nodeAt(rule, 'changes')
  const exists = nodeAt(rule, 'exists')
  return [
    canonical(textAt(rule, 'if') ?? ''),
    changes === null ? '' : `changes in ${textsOf(nodeAt(changes, 'paths') ?? changes).join(', ')}`,
    exists === null ? '' : `there is ${textsOf(exists).join(', ')}`,
  ]
    .filter((text) => text !== '')
    .join(' and ')
}

/** The same condition in one form: the default branch under its name or its variable. */
function canonical(text: string): string {
  return text
    .replace(/\s+/gu, ' ')
    .replaceAll("'", '"')
    .replace(/^\((.*)\)$/u, '$1')
    .replaceAll(/"(?:main|master)"/gu, '$CI_DEFAULT_BRANCH')
    .replaceAll('$CI_COMMIT_REF_NAME', '$CI_COMMIT_BRANCH')
    .trim()
}

function onlyOf(job: YamlNode): Conditions {
  const none = { when: null, whenEntry: null, failureEntry: null, never: false }
  const only = nodeAt(job, 'only')
  const except = nodeAt(job, 'except')
  const refs = only === null ? [] : textsOf(nodeAt(only, 'refs') ?? (only.kind === 'map' ? null : only))
  const named = refs.map((ref) =>
    ref === 'tags'
      ? '$CI_COMMIT_TAG'
      : ref === 'branches'
        ? '$CI_COMMIT_BRANCH'
        : canonical(`$CI_COMMIT_BRANCH == "${ref}"`),
  )
  const changes = textsOf(nodeAt(only, 'changes'))
  const guards: readonly StepRemark[] = [
    ...(only === null || named.length === 0 ? [] : [{ text: named.join(' || '), place: only.place, remedy: null }]),
    ...(only === null || changes.length === 0
      ? []
      : [{ text: `changes in ${changes.join(', ')}`, place: only.place, remedy: null }]),
    ...(except === null
      ? []
      : textsOf(nodeAt(except, 'refs') ?? except).map((ref) => ({
          text: `not ${ref}`,
          place: except.place,
          remedy: null,
        }))),
  ]
  return { ...none, guards }
}

/** What holds for every pipeline: `workflow: rules`. */
function workflowTexts(root: YamlNode): readonly string[] {
  const rules = nodeAt(root, 'workflow', 'rules')
  return rules === null ? [] : rulesOf(rules, root).guards.map(({ text }) => text)
}
