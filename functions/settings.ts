/**
 * What the stack says of the environment that a function looks at. Whoever publishes a manifest gets SQL and HTTP run from
 * here: database, role, hosts, secrets and variables are these, and a manifest's own are never read.
 */
import * as z from 'zod'
import { environmentSchema } from './config/environments.ts'
import type { EnvironmentConfig } from './config/config.ts'
import type { DatabaseTarget } from './connections/connection.ts'
import type { TenantPatterns } from './engines/tenants.ts'

/** The variable of the function that holds them, as JSON. */
export const SETTINGS_VARIABLE = 'DEPLOYWATCH_SETTINGS'

const settingsSchema = z.strictObject({
  service: z.string().min(1),
  environment: z.string().min(1),
  /** As below `environments` in deploywatch.yaml. */
  config: z.unknown(),
  /** What `${VAR}` of endpoints stands for. Not the function's own variables: those hold its credentials. */
  variables: z.record(z.string(), z.string()).default({}),
  store: z.strictObject({ bucket: z.string().min(1), table: z.string().min(1) }),
})

export interface Settings {
  readonly service: string
  readonly environment: string
  readonly target: DatabaseTarget
  readonly searchPath: readonly string[]
  readonly tenants: TenantPatterns | null
  readonly unsure: 'block' | 'warn'
  /** The environment as it was given. */
  readonly config: unknown
  readonly variables: Readonly<Record<string, string>>
  readonly store: { readonly bucket: string; readonly table: string }
}

/**
 * @param env the function's variables
 * @throws {Error} they are not what the construct writes. The message holds no value.
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const settings = parse(settingsSchema, settingsDocument(env), [])
  const environment = parse(environmentSchema, settings.config, ['config'])
  const { searchPath, tenants, unsure } = environment
  return { ...settings, searchPath, tenants, unsure, target: targetOf(environment.database) }
}

function settingsDocument(env: Readonly<Record<string, string | undefined>>): unknown {
  const text = env[SETTINGS_VARIABLE]
  if (text === undefined) throw new Error(`the variable ${SETTINGS_VARIABLE} is not set: deploy the stack again`)
  try {
    return JSON.parse(text) as unknown
  } catch {
    // The parser's message would quote the text.
    throw new Error(`the variable ${SETTINGS_VARIABLE} holds no JSON: deploy the stack again`)
  }
}

function parse<S extends z.ZodType>(schema: S, value: unknown, path: readonly PropertyKey[]): z.output<S> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => `${[...path, ...issue.path].join('.')}: ${issue.message}`)
  throw new Error(`the variable ${SETTINGS_VARIABLE} is not what the construct writes: ${problems.join('; ')}`)
}

/** A URL would bring a password into the function's variables: the construct gives a cluster or a host, with a secret. */
export function targetOf(database: EnvironmentConfig['database']): DatabaseTarget {
  if ('url' in database) throw new Error('a deployed look takes its password from a secret: give a cluster or a host')
  if ('cluster' in database) return { kind: 'data-api', ...database }
  return { kind: 'host', ...database, port: Number(database.port) }
}

/** The variable of CloudFormation's gate that holds it, as JSON: the window is made after the gate. */
export const WINDOW_VARIABLE = 'DEPLOYWATCH_WINDOW'

const gateWindow = z.strictObject({
  /** ARN of the state machine of a watch's window. */
  window: z.string().min(1),
  plan: z.strictObject({ forMs: z.number(), deadlineMs: z.number(), required: z.array(z.string()).min(1) }),
})

export type GateWindow = z.output<typeof gateWindow>

/**
 * @param env the function's variables
 * @returns null: nobody watches after deployments
 * @throws {Error} the variable is not what the construct writes
 */
export function readGateWindow(env: Readonly<Record<string, string | undefined>>): GateWindow | null {
  const text = env[WINDOW_VARIABLE]
  return text === undefined ? null : gateWindow.parse(JSON.parse(text))
}

const store = z.strictObject({ bucket: z.string().min(1), table: z.string().min(1) })

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
  service: z.string().min(1),
  environment: z.string().min(1),
  /** The function that looks. */
  looker: z.string().min(1),
})

/** By what a gate needs beside that. */
const GATE_SETTINGS = {
  /** Publishes the release that a request brings along. */
  publishing: gateSettings.extend({ store }),
  'codedeploy-hook': gateSettings.extend({ hook: z.enum(CODEDEPLOY_HOOKS) }),
  /** `container`: whose image is the release; null: the only one. */
  'ecs-hook': gateSettings.extend({ container: z.string().min(1).nullable() }),
  /** `machine`: ARN of the state machine that migrates. `limitMs`: how long CloudFormation waits. */
  migration: gateSettings.extend({
    store,
    machine: z.string().min(1),
    limitMs: z.number().int().min(300_000).max(3_600_000),
  }),
  'step-functions-task': gateSettings.extend({ onRefusal: z.enum(['throw', 'answer']) }),
} as const

/** Of a function that answers a deployment system. */
export type GateFunctionSettings = z.output<typeof gateSettings>

/** @throws {Error} as `readSettings` */
export function readGateSettings<K extends keyof typeof GATE_SETTINGS>(
  env: Readonly<Record<string, string | undefined>>,
  kind: K,
): z.output<(typeof GATE_SETTINGS)[K]> {
  return parse(GATE_SETTINGS[kind], settingsDocument(env), []) as z.output<(typeof GATE_SETTINGS)[K]>
}

const matrixSettings = z.strictObject({ service: z.string().min(1), environment: z.string().min(1), store })

/** Of the function behind the dashboard's matrix. */
export type MatrixFunctionSettings = z.output<typeof matrixSettings>

/** @throws {Error} as `readSettings` */
export function readMatrixSettings(env: Readonly<Record<string, string | undefined>>): MatrixFunctionSettings {
  return parse(matrixSettings, settingsDocument(env), [])
}

const watchSettings = z.strictObject({
  service: z.string().min(1),
  environment: z.string().min(1),
  /** The function that looks. */
  looker: z.string().min(1),
  store,
  /** ARNs of the topics that are paged. */
  topics: z.array(z.string().min(1)),
  /** URL of the queue for pages that no topic takes. */
  deadLetters: z.string().min(1),
  links: z.strictObject({ dashboard: z.string().nullable(), runbook: z.string().nullable() }),
})

/** Of the functions that take a watch's steps and keep the incident. */
export type WatchFunctionSettings = z.output<typeof watchSettings>

/** @throws {Error} as `readSettings` */
export function readWatchSettings(env: Readonly<Record<string, string | undefined>>): WatchFunctionSettings {
  return parse(watchSettings, settingsDocument(env), [])
}

const scheduledSettings = watchSettings.extend({
  /** ARN of the state machine of a watch's window: while one runs, it looks. */
  window: z.string().min(1),
  /** One look's deadline in milliseconds, and the checks that a pass needs. */
  deadlineMs: z.number().int().min(1_000).max(840_000),
  required: z.array(z.string().min(1)).min(1),
})

/** Of the function that looks between deployments. */
export type ScheduledFunctionSettings = z.output<typeof scheduledSettings>

/** @throws {Error} as `readSettings` */
export function readScheduledSettings(env: Readonly<Record<string, string | undefined>>): ScheduledFunctionSettings {
  return parse(scheduledSettings, settingsDocument(env), [])
}

const name = z.string().min(1)
const triggerSettings = z.strictObject({
  service: name,
  environment: name,
  store,
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
export type TriggerFunctionSettings = z.output<typeof triggerSettings>

/** @throws {Error} as `readSettings` */
export function readTriggerSettings(env: Readonly<Record<string, string | undefined>>): TriggerFunctionSettings {
  return parse(triggerSettings, settingsDocument(env), [])
}

const ecsSettings = z.strictObject({
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
export type EcsTaskSettings = z.output<typeof ecsSettings>

const migrationTask = z.discriminatedUnion('kind', [
  ecsSettings,
  z.strictObject({ kind: z.literal('codebuild'), project: name }),
  z.strictObject({ kind: z.literal('lambda'), function: name }),
])

/** What runs the team's own migration. */
export type MigrationTaskSettings = z.output<typeof migrationTask>

const migrationSettings = gateSettings.extend({ store, task: migrationTask })

/** Of the function that takes the steps of a migration. */
export type MigrationFunctionSettings = z.output<typeof migrationSettings>

/** @throws {Error} as `readSettings` */
export function readMigrationSettings(env: Readonly<Record<string, string | undefined>>): MigrationFunctionSettings {
  return parse(migrationSettings, settingsDocument(env), [])
}

const places = z.strictObject({ bucket: name, key: name, name })
const fleetLookSettings = z.strictObject({
  service: name,
  environment: name,
  variables: z.record(z.string(), z.string()).default({}),
  store,
})
const { looker: _, ...watching } = watchSettings.shape
const fleetRunSettings = z.strictObject({
  ...watching,
  /** The file of targets. */
  targets: places,
  /** ARNs, or beginnings of some that end in `*`. */
  allowed: z.strictObject({ clusters: z.array(name), secrets: z.array(name) }),
  deadlineMs: z.number().int().min(1_000).max(840_000),
})

/** Of the function that looks at one database of a fleet. @throws {Error} as `readSettings` */
export function readFleetLookSettings(
  env: Readonly<Record<string, string | undefined>>,
): z.output<typeof fleetLookSettings> {
  return parse(fleetLookSettings, settingsDocument(env), [])
}

/** Of the function that begins and ends a fleet's runs. @throws {Error} as `readSettings` */
export function readFleetRunSettings(
  env: Readonly<Record<string, string | undefined>>,
): z.output<typeof fleetRunSettings> {
  return parse(fleetRunSettings, settingsDocument(env), [])
}
