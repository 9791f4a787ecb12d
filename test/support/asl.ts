/**
 * Runs a state machine in the Amazon States Language, as far as ours uses it, on given tasks and a given clock: so that tests drive
 * the definition that is deployed. What it does not know it refuses: a state that is misspelt ends no test green.
 */

export interface Machine {
  /** Called for each try of a Task; what it throws has an error's name. */
  task(resource: string, parameters: Readonly<Record<string, unknown>>): Promise<unknown>
  sleep(ms: number): Promise<void>
  /** The list that a map reads from S3. */
  read?(bucket: string, key: string): Promise<readonly unknown[]>
}

export type Execution =
  | { readonly status: 'SUCCEEDED'; readonly output: unknown; readonly path: readonly string[] }
  | { readonly status: 'FAILED'; readonly error: string; readonly cause: string; readonly path: readonly string[] }

type Json = Readonly<Record<string, unknown>>

const STATES_MOST = 20_000

/** `context`: what `$$` stands for, `Execution` at least. */
export async function execute(
  definition: Json,
  input: unknown,
  machine: Machine,
  context: Json = {},
): Promise<Execution> {
  const states = definition['States'] as Readonly<Record<string, Json>>
  let name = String(definition['StartAt'])
  let data = input
  const path: string[] = []
  for (let count = 0; count < STATES_MOST; count += 1) {
    const state = states[name]
    if (state === undefined) throw new Error(`there is no state ${name}`)
    path.push(name)
    switch (state['Type']) {
      case 'Pass':
        data = place(state, data, 'Parameters' in state ? build(state['Parameters'], data, context) : data)
        break
      case 'Wait': {
        const seconds = 'SecondsPath' in state ? read(data, String(state['SecondsPath'])) : state['Seconds']
        if (typeof seconds !== 'number' || !Number.isInteger(seconds) || seconds < 0)
          throw new Error(`${name} waits ${String(seconds)} seconds`)
        await machine.sleep(seconds * 1_000)
        break
      }
      case 'Choice':
        name = choose(state, data)
        continue
      case 'Succeed':
        return {
          status: 'SUCCEEDED',
          output: 'OutputPath' in state ? read(data, String(state['OutputPath'])) : data,
          path,
        }
      case 'Fail':
        return { status: 'FAILED', error: String(state['Error']), cause: String(state['Cause']), path }
      case 'Task':
      case 'Map': {
        const done = await perform(state, data, machine, context)
        data = done.data
        if (done.next === null) return { status: 'SUCCEEDED', output: data, path }
        name = done.next
        continue
      }
      default:
        throw new Error(`${name} is of the type ${String(state['Type'])}`)
    }
    name = String(state['Next'])
  }
  throw new Error(`the execution has not ended after ${STATES_MOST} states`)
}

async function perform(
  state: Json,
  data: unknown,
  machine: Machine,
  context: Json,
): Promise<{ data: unknown; next: string | null }> {
  const next = state['End'] === true ? null : String(state['Next'])
  const retriers = (state['Retry'] ?? []) as readonly Json[]
  const used = retriers.map(() => 0)
  for (;;) {
    try {
      const result =
        state['Type'] === 'Map'
          ? await performMap(state, data, machine, context)
          : await machine.task(String(state['Resource']), build(state['Parameters'], data, context) as Json)
      const selected = 'ResultSelector' in state ? build(state['ResultSelector'], result, context) : result
      return { data: place(state, data, selected), next }
    } catch (error) {
      const { name, message } = error as Error
      const at = retriers.findIndex((retrier) => matches(retrier, name))
      const retrier = retriers[at]
      const tries = used[at] ?? 0
      if (retrier !== undefined && tries < Number(retrier['MaxAttempts'] ?? 3)) {
        used[at] = tries + 1
        const pause = Number(retrier['IntervalSeconds'] ?? 1) * Number(retrier['BackoffRate'] ?? 2) ** tries
        await machine.sleep(Math.min(pause, Number(retrier['MaxDelaySeconds'] ?? pause)) * 1_000)
        continue
      }
      const catcher = ((state['Catch'] ?? []) as readonly Json[]).find((one) => matches(one, name))
      if (catcher === undefined) throw error
      return { data: place(catcher, data, { Error: name, Cause: message }), next: String(catcher['Next']) }
    }
  }
}

/** A distributed map over a list in S3: so many items at a time, each an execution of its own that may fail. */
async function performMap(state: Json, data: unknown, machine: Machine, context: Json): Promise<readonly unknown[]> {
  const reader = state['ItemReader'] as Json
  const processor = state['ItemProcessor'] as Json
  const { Mode } = processor['ProcessorConfig'] as Json
  const { InputType } = reader['ReaderConfig'] as Json
  if (Mode !== 'DISTRIBUTED' || InputType !== 'JSON' || reader['Resource'] !== 'arn:aws:states:::s3:getObject')
    throw new Error('this map is not known here')
  const { Bucket, Key } = build(reader['Parameters'], data, context) as Json
  const items = [...((await machine.read?.(String(Bucket), String(Key))) ?? [])].entries()
  const results: unknown[] = []
  let failed = 0
  const work = async (): Promise<void> => {
    for (const [index, value] of items) {
      const own = { ...context, Map: { Item: { Index: index, Value: value } } }
      const input = build(state['ItemSelector'], data, own)
      try {
        const done = await execute(processor, input, machine, own)
        if (done.status === 'FAILED') failed += 1
        results[index] = done.status === 'FAILED' ? null : done.output
      } catch {
        failed += 1
        results[index] = null
      }
    }
  }
  await Promise.all(Array.from({ length: Number(state['MaxConcurrency']) }, work))
  if (failed * 100 > Number(state['ToleratedFailurePercentage'] ?? 0) * results.length) {
    const error = new Error(`${failed} of ${results.length} items failed`)
    error.name = 'States.ExceedToleratedFailureThreshold'
    throw error
  }
  return results
}

function matches(rule: Json, name: string): boolean {
  const names = rule['ErrorEquals'] as readonly string[]
  return names.includes(name) || names.includes('States.ALL')
}

function choose(state: Json, data: unknown): string {
  for (const choice of state['Choices'] as readonly Json[]) {
    const value = read(data, String(choice['Variable']))
    if ('BooleanEquals' in choice && value === choice['BooleanEquals']) return String(choice['Next'])
    if ('NumericGreaterThanEquals' in choice && Number(value) >= Number(choice['NumericGreaterThanEquals']))
      return String(choice['Next'])
  }
  return String(state['Default'])
}

/** ResultPath: `$` where there is none, null keeps the input, `$.name` adds. */
function place(state: Json, data: unknown, result: unknown): unknown {
  if (!('ResultPath' in state)) return result
  if (state['ResultPath'] === null) return data
  const key = /^\$\.(\w+)$/.exec(JSON.stringify(state['ResultPath']).slice(1, -1))?.[1]
  if (key === undefined) throw new Error(`the path ${JSON.stringify(state['ResultPath'])} is not known here`)
  return { ...(data as Json), [key]: result }
}

function read(data: unknown, path: string): unknown {
  if (path === '$') return data
  return path
    .replace(/^\$\./, '')
    .split('.')
    .reduce<unknown>((value, key) => {
      if (typeof value !== 'object' || value === null || !(key in value)) throw new Error(`${path} is not in the input`)
      return (value as Json)[key]
    }, data)
}

function build(template: unknown, data: unknown, context: Json): unknown {
  if (typeof template !== 'object' || template === null) return template
  return Object.fromEntries(
    Object.entries(template).map(([key, value]) =>
      key.endsWith('.$')
        ? [key.slice(0, -2), evaluate(String(value), data, context)]
        : [key, build(value, data, context)],
    ),
  )
}

function evaluate(expression: string, data: unknown, context: Json): unknown {
  if (expression.startsWith('$$.')) return read(context, expression.slice(1))
  const add = /^States\.MathAdd\((\$[\w.]*), (\d+)\)$/.exec(expression)
  if (add !== null) return Number(read(data, add[1] ?? '')) + Number(add[2])
  const format = /^States\.Format\('([^']*)', (.*)\)$/.exec(expression)
  if (format !== null) {
    const values = (format[2] ?? '').split(', ').map((path) => String(read(data, path)))
    return (format[1] ?? '').replaceAll('{}', () => values.shift() ?? '')
  }
  if (!expression.startsWith('$')) throw new Error(`the expression ${expression} is not known here`)
  return read(data, expression)
}
