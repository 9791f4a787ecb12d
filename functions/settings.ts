/** What the stack says to its functions, in one variable. Each function makes the schema of its own alone, when it starts. */
import * as z from 'zod'

/** The variable of the function that holds them, as JSON. */
export const SETTINGS_VARIABLE = 'DEPLOYWATCH_SETTINGS'

type Env = Readonly<Record<string, string | undefined>>

/** @throws {Error} there are none. */
export function settingsDocument(env: Env): unknown {
  const text = env[SETTINGS_VARIABLE]
  if (text === undefined) throw new Error(`the variable ${SETTINGS_VARIABLE} is not set: deploy the stack again`)
  try {
    return JSON.parse(text) as unknown
  } catch {
    // The parser's message would quote the text.
    throw new Error(`the variable ${SETTINGS_VARIABLE} holds no JSON: deploy the stack again`)
  }
}

/** @throws {Error} they are not what the construct writes. The message holds no value. */
export function parseSettings<S extends z.ZodType>(
  schema: S,
  value: unknown,
  path: readonly PropertyKey[],
): z.output<S> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => `${[...path, ...issue.path].join('.')}: ${issue.message}`)
  throw new Error(`the variable ${SETTINGS_VARIABLE} is not what the construct writes: ${problems.join('; ')}`)
}

const name = z.string().min(1)
export const storeSettings = z.strictObject({ bucket: name, table: name })

/** The variable of CloudFormation's gate that holds it, as JSON: the window is made after the gate. */
export const WINDOW_VARIABLE = 'DEPLOYWATCH_WINDOW'

const gateWindow = () =>
  z.strictObject({
    /** ARN of the state machine of a watch's window. */
    window: name,
    plan: z.strictObject({ forMs: z.number(), deadlineMs: z.number(), required: z.array(z.string()).min(1) }),
  })

export type GateWindow = z.output<ReturnType<typeof gateWindow>>

/**
 * @param env the function's variables
 * @returns null: nobody watches after deployments
 * @throws {Error} the variable is not what the construct writes
 */
export function readGateWindow(env: Env): GateWindow | null {
  const text = env[WINDOW_VARIABLE]
  return text === undefined ? null : gateWindow().parse(JSON.parse(text))
}

/** The hooks of a CodeDeploy deployment for which it calls a function: no event says which one it is of. */
export const CODEDEPLOY_HOOKS = [
  'BeforeInstall',
  'AfterInstall',
  'AfterAllowTestTraffic',
  'BeforeAllowTraffic',
  'AfterAllowTraffic',
] as const
export type CodeDeployHookName = (typeof CODEDEPLOY_HOOKS)[number]

const gateSettings = z.strictObject({
  service: name,
  environment: name,
  /** The function that looks. */
  looker: name,
})

/** By what a gate needs beside that. */
const GATE_SETTINGS = {
  /** Publishes the release that a request brings along. */
  publishing: () => gateSettings.extend({ store: storeSettings }),
  'codedeploy-hook': () => gateSettings.extend({ hook: z.enum(CODEDEPLOY_HOOKS) }),
  /** `container`: whose image is the release; null: the only one. */
  'ecs-hook': () => gateSettings.extend({ container: name.nullable() }),
  /** `machine`: ARN of the state machine that migrates. `limitMs`: how long CloudFormation waits. */
  migration: () =>
    gateSettings.extend({
      store: storeSettings,
      machine: name,
      limitMs: z.number().int().min(300_000).max(3_600_000),
    }),
  'step-functions-task': () => gateSettings.extend({ onRefusal: z.enum(['throw', 'answer']) }),
} as const

/** Of a function that answers a deployment system. */
export type GateFunctionSettings = z.output<typeof gateSettings>

/** @throws {Error} they are not what the construct writes. The message holds no value. */
export function readGateSettings<K extends keyof typeof GATE_SETTINGS>(
  env: Env,
  kind: K,
): z.output<ReturnType<(typeof GATE_SETTINGS)[K]>> {
  return parseSettings(GATE_SETTINGS[kind](), settingsDocument(env), []) as z.output<
    ReturnType<(typeof GATE_SETTINGS)[K]>
  >
}

const matrixSettings = () => z.strictObject({ service: name, environment: name, store: storeSettings })

/** Of the function behind the dashboard's matrix. */
export type MatrixFunctionSettings = z.output<ReturnType<typeof matrixSettings>>

/** @throws {Error} they are not what the construct writes. The message holds no value. */
export function readMatrixSettings(env: Env): MatrixFunctionSettings {
  return parseSettings(matrixSettings(), settingsDocument(env), [])
}

const watchSettings = () =>
  z.strictObject({
    service: name,
    environment: name,
    /** The function that looks. */
    looker: name,
    store: storeSettings,
    /** ARNs of the topics that are paged. */
    topics: z.array(name),
    /** URL of the queue for pages that no topic takes. */
    deadLetters: name,
    links: z.strictObject({ dashboard: z.string().nullable(), runbook: z.string().nullable() }),
  })

/** Of the functions that take a watch's steps and keep the incident. */
export type WatchFunctionSettings = z.output<ReturnType<typeof watchSettings>>

/** @throws {Error} they are not what the construct writes. The message holds no value. */
export function readWatchSettings(env: Env): WatchFunctionSettings {
  return parseSettings(watchSettings(), settingsDocument(env), [])
}

const scheduledSettings = () =>
  watchSettings().extend({
    /** ARN of the state machine of a watch's window: while one runs, it looks. */
    window: name,
    /** One look's deadline in milliseconds, and the checks that a pass needs. */
    deadlineMs: z.number().int().min(1_000).max(840_000),
    required: z.array(name).min(1),
  })

/** Of the function that looks between deployments. */
export type ScheduledFunctionSettings = z.output<ReturnType<typeof scheduledSettings>>

/** @throws {Error} they are not what the construct writes. The message holds no value. */
export function readScheduledSettings(env: Env): ScheduledFunctionSettings {
  return parseSettings(scheduledSettings(), settingsDocument(env), [])
}

const triggerSettings = () =>
  z.strictObject({
    service: name,
    environment: name,
    store: storeSettings,
    /** ARN of the state machine of a watch's window. */
    window: name,
    /** Twelve digits. */
    account: name,
    /** What is watched; events of anything else are not for us. */
    targets: z.array(
      z.discriminatedUnion('source', [
        z.strictObject({ source: z.literal('codedeploy'), application: name, group: name }),
        z.strictObject({
          source: z.literal('codepipeline'),
          pipeline: name,
          stage: name.nullable(),
          action: name.nullable(),
        }),
        z.strictObject({ source: z.literal('cloudformation'), stack: name }),
        z.strictObject({ source: z.literal('ecs'), cluster: name, service: name }),
        z.strictObject({ source: z.literal('custom'), service: name, environment: name }),
      ]),
    ),
    /** The window, and one look's deadline, in milliseconds; the checks that a pass needs. */
    plan: z.strictObject({
      forMs: z.number().int().min(0).max(86_400_000),
      deadlineMs: z.number().int().min(1_000).max(840_000),
      required: z.array(name).min(1),
    }),
  })

/** Of the functions that hear of deployments. */
export type TriggerFunctionSettings = z.output<ReturnType<typeof triggerSettings>>

/** @throws {Error} they are not what the construct writes. The message holds no value. */
export function readTriggerSettings(env: Env): TriggerFunctionSettings {
  return parseSettings(triggerSettings(), settingsDocument(env), [])
}

const ecsSettings = () =>
  z.strictObject({
    kind: z.literal('ecs'),
    cluster: name,
    taskDefinition: name,
    launchType: z.enum(['FARGATE', 'EC2']),
    /** null: the tasks share their host's. */
    network: z
      .strictObject({ subnets: z.array(name).min(1), securityGroups: z.array(name), assignPublicIp: z.boolean() })
      .nullable(),
    /** The one whose exit code counts; null: all of them. */
    container: name.nullable(),
    /** Where it writes its log; null: not known. */
    log: z.strictObject({ group: name, prefix: name, container: name }).nullable(),
  })

/** How a migration is run as an ECS task. */
export type EcsTaskSettings = z.output<ReturnType<typeof ecsSettings>>

const migrationTask = () =>
  z.discriminatedUnion('kind', [
    ecsSettings(),
    z.strictObject({ kind: z.literal('codebuild'), project: name }),
    z.strictObject({ kind: z.literal('lambda'), function: name }),
  ])

/** What runs the team's own migration. */
export type MigrationTaskSettings = z.output<ReturnType<typeof migrationTask>>

const migrationSettings = () => gateSettings.extend({ store: storeSettings, task: migrationTask() })

/** Of the function that takes the steps of a migration. */
export type MigrationFunctionSettings = z.output<ReturnType<typeof migrationSettings>>

/** @throws {Error} they are not what the construct writes. The message holds no value. */
export function readMigrationSettings(env: Env): MigrationFunctionSettings {
  return parseSettings(migrationSettings(), settingsDocument(env), [])
}

const places = () => z.strictObject({ bucket: name, key: name, name })
const fleetLookSettings = () =>
  z.strictObject({
    service: name,
    environment: name,
    variables: z.record(z.string(), z.string()).default({}),
    store: storeSettings,
  })
const fleetRunSettings = () =>
  z.strictObject({
    ...watchSettings().omit({ looker: true }).shape,
    /** The file of targets. */
    targets: places(),
    /** ARNs, or beginnings of some that end in `*`. */
    allowed: z.strictObject({ clusters: z.array(name), secrets: z.array(name) }),
    deadlineMs: z.number().int().min(1_000).max(840_000),
  })

/** Of the function that looks at one database of a fleet. @throws {Error} they are not what the construct writes. The message holds no value. */
export function readFleetLookSettings(env: Env): z.output<ReturnType<typeof fleetLookSettings>> {
  return parseSettings(fleetLookSettings(), settingsDocument(env), [])
}

/** Of the function that begins and ends a fleet's runs. @throws {Error} they are not what the construct writes. The message holds no value. */
export function readFleetRunSettings(env: Env): z.output<ReturnType<typeof fleetRunSettings>> {
  return parseSettings(fleetRunSettings(), settingsDocument(env), [])
}
