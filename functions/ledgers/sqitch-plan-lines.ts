/** The lines of sqitch.plan, by the expressions of App::Sqitch::Plan (1.3.1). */

/** Perl's [[:blank:]]. */
const BLANK = String.raw`[\t\p{Zs}]`
/** [:punct:] without '_'. */
const PUNCTUATION = String.raw`[-!"#$%&'()*+,./:;<=>?@[\]^\x60{|}~]`
const WORD = String.raw`[\p{L}\p{M}\p{N}\p{Pc}]`
/** JavaScript's \b knows ASCII letters only. */
const BOUNDARY = `(?:(?<=${WORD})(?!${WORD})|(?<!${WORD})(?=${WORD}))`
/** `~1` and the like at the end of a name would be read as a step from it. */
const STEP = String.raw`[~/=%^]\p{Nd}+(?:$|${BLANK})`
const NAME = String.raw`(?!${PUNCTUATION})(?:(?!${STEP})[^\t\p{Zs}:@#\\])+(?<!${PUNCTUATION})${BOUNDARY}`

const LINE = new RegExp(
  [
    `^${BLANK}*(?:(?<tag>@)|${BLANK}*[+-]${BLANK}*)?(?<name>${NAME})(?:${BLANK}+)?`,
    String.raw`(?:\[(?<dependencies>[^\]]+)\]${BLANK}*)?`,
    String.raw`(?:(?<date>\p{Nd}{4}-\p{Nd}{2}-\p{Nd}{2}T\p{Nd}{2}:\p{Nd}{2}:\p{Nd}{2}Z)${BLANK}*)?`,
    `(?:(?<planner>[^<]+)${BLANK}+<(?<email>[^>]+)>)?$`,
  ].join(''),
  'u',
)
const PRAGMA = new RegExp(`^${BLANK}*%${BLANK}*(?<name>[^\\t\\p{Zs}=]+?)(?:${BLANK}*=${BLANK}*(?<value>.+))?$`, 'u')
const DEPENDENCY = new RegExp(`^!?(?:${NAME}:)?(?:[0-9a-f]{40}|${NAME}(?:@${NAME})?|(?:@${NAME})?)$`, 'u')
const PROJECT = new RegExp(`^${NAME}$`, 'u')
/** A blank line, or a remark: '#' alone is neither. */
const REMARK = new RegExp(`^${BLANK}*(?:#.+|$)`, 'u')
const BLANKS = new RegExp(`${BLANK}+`, 'u')
const NOTE = new RegExp(`${BLANK}*(?:#${BLANK}*(.*))?$`, 'u')

export interface PlanTag {
  readonly kind: 'tag'
  readonly name: string
}

export type PlanLine =
  | PlanTag
  | {
      readonly kind: 'change'
      readonly name: string
      /** As the ids have it: `2026-11-23T01:52:57Z`. */
      readonly date: string
      /** `Dana Reyes <dana@example.com>`. */
      readonly planner: string
      readonly note: string
      readonly requires: readonly string[]
      /** With their '!'. */
      readonly conflicts: readonly string[]
    }

/** null: nothing but a remark. A string: why it is neither a change nor a tag. */
export function readLine(whole: string): PlanLine | string | null {
  if (REMARK.test(whole)) return null
  const { text, note } = splitNote(whole)
  const groups = LINE.exec(text)?.groups
  if (groups === undefined) return 'it has no name that sqitch takes, and no date and planner after it'
  const { tag, name = '', dependencies = '', date, planner, email } = groups
  if (date === undefined) return `${name} has no date`
  if (planner === undefined) return `${name} has no planner with an address in <>`
  if (name === 'HEAD' || name === 'ROOT') return `${name} is a word of sqitch's own`
  if (/^[0-9a-f]{40}/.test(name)) return `${name} looks like an id`
  if (Number.isNaN(Date.parse(date))) return `${name} has the date ${date}, which is none`
  if (tag !== undefined) return dependencies === '' ? { kind: 'tag', name } : `the tag @${name} requires something`
  const named = dependencies.split(BLANKS).filter((one) => one !== '')
  const wrong = named.find((one, at) => one === '!' || !DEPENDENCY.test(one) || named.indexOf(one) !== at)
  if (wrong !== undefined) return `${name} has the dependency ${wrong}, which is none or is there twice`
  return {
    kind: 'change',
    name,
    date,
    planner: `${planner} <${email ?? ''}>`,
    note,
    requires: named.filter((one) => !one.startsWith('!')),
    conflicts: named.filter((one) => one.startsWith('!')),
  }
}

/** As the ids have it: one of the own project without the project's name. */
export function dependencyText(written: string, project: string): string {
  return written.startsWith(`${project}:`) ? written.slice(project.length + 1) : written
}

export interface Pragmas {
  readonly project: string
  readonly uri: string | null
  /** How many lines they take, with the blank one that ends them. */
  readonly end: number
  readonly problems: readonly { readonly line: number; readonly message: string }[]
}

/** Up to the first blank line. */
export function readPragmas(lines: readonly string[]): Pragmas {
  const values = new Map<string, string>()
  const problems: { readonly line: number; readonly message: string }[] = []
  let end = 0
  let named = 1
  for (const line of lines) {
    end += 1
    const { text, note } = splitNote(line)
    if (REMARK.test(line) && note === '') break
    if (REMARK.test(line)) continue
    const groups = PRAGMA.exec(text)?.groups
    if (groups === undefined) {
      const message = 'a blank line must come between the pragmas and the changes: sqitch refuses the whole plan'
      problems.push({ line: end, message })
      end -= 1
      break
    }
    if (groups['name'] === 'project') named = end
    values.set(groups['name'] ?? '', groups['value'] ?? '1')
  }
  const project = values.get('project') ?? ''
  if (!PROJECT.test(project)) {
    const message = `it has ${project === '' ? 'no %project' : `the %project ${project}, which is no name`}: sqitch refuses the whole plan`
    problems.push({ line: named, message })
  }
  return { project, uri: values.get('uri') ?? null, end, problems }
}

const ESCAPED: Readonly<Record<string, string>> = { n: '\n', r: '\r', '\\': '\\' }

/** The first '#' begins the note. */
function splitNote(line: string): { readonly text: string; readonly note: string } {
  const at = line.indexOf('#')
  if (at < 0) return { text: line.replace(NOTE, ''), note: '' }
  const note = line.slice(at + 1).trim()
  return {
    text: line.slice(0, at).replace(NOTE, ''),
    note: note.replace(/\\([\\nr])/g, (_, letter: string) => ESCAPED[letter] ?? letter),
  }
}
