/** The ready app's file: what a team says in place of CDK. */
import { readFileSync } from 'node:fs'
import * as z from 'zod'
import { CODEDEPLOY_HOOKS } from '../functions/settings.ts'

const common = {
  name: z.string().min(1),
  secretArn: z.string().min(1),
  searchPath: z.array(z.string()).optional(),
  /** Of an Aurora Serverless v2 cluster; 0: it never pauses. */
  autoPauseSeconds: z.number().int().min(0).max(86_400).optional(),
}

const name = z.string().min(1)

/** One of a deployment system other than CloudFormation, which always has one. */
const gateSchema = z.union(
  [
    z.enum(['codePipelineAction', 'codePipelineRule', 'stepFunctionsTask']),
    z.strictObject({
      codeDeployHook: z.strictObject({ hook: z.enum(CODEDEPLOY_HOOKS), application: name, group: name }),
    }),
    z.strictObject({ ecsHook: z.strictObject({ cluster: name, service: name, container: name.optional() }) }),
    z.strictObject({ stepFunctionsTask: z.strictObject({ onRefusal: z.enum(['throw', 'answer']) }) }),
  ],
  {
    error:
      'expected "codePipelineAction", "codePipelineRule", "stepFunctionsTask", {"codeDeployHook": …}, {"ecsHook": …} or {"stepFunctionsTask": …}',
  },
)

const settingsSchema = z.strictObject({
  service: z.string().min(1),
  environment: z.string().min(1),
  database: z.union(
    [
      z.strictObject({ ...common, clusterArn: z.string().min(1), endpoint: z.url().optional() }),
      z.strictObject({
        ...common,
        host: z.string().min(1),
        port: z.number().int().optional(),
        vpc: z.strictObject({
          vpcId: z.string().min(1),
          availabilityZones: z.array(z.string()).min(1),
          privateSubnetIds: z.array(z.string()).min(1),
          securityGroupIds: z.array(z.string()).min(1),
        }),
      }),
    ],
    { error: 'expected clusterArn, secretArn and name, or host, secretArn, name and vpc' },
  ),
  unsure: z.enum(['block', 'warn']).optional(),
  hosts: z.array(z.string()).optional(),
  variables: z.record(z.string(), z.string()).optional(),
  /** ARNs of topics. */
  pages: z.array(z.string()).optional(),
  /** Names of the stacks whose templates ask this gate. */
  stacks: z.array(z.string()).optional(),
  gates: z.array(gateSchema).optional(),
  reservedConcurrency: z.number().int().min(1).optional(),
  /** What is watched after it was deployed; the release has to be published under what the deployment carries. */
  deployments: z
    .array(
      z.union(
        [
          z.strictObject({ stack: z.string().min(1) }),
          z.strictObject({ codeDeploy: z.strictObject({ application: z.string().min(1), group: z.string().min(1) }) }),
          z.strictObject({
            pipeline: z.strictObject({
              name: z.string().min(1),
              stage: z.string().optional(),
              action: z.string().optional(),
            }),
          }),
          z.strictObject({ ecs: z.strictObject({ cluster: z.string().min(1), service: z.string().min(1) }) }),
          // The `source` of events of the type `Deployment Finished`.
          z.strictObject({ event: z.string().min(1) }),
        ],
        { error: 'expected {"stack": …}, {"codeDeploy": …}, {"pipeline": …}, {"ecs": …} or {"event": …}' },
      ),
    )
    .optional(),
  /** Between deployments; above the cluster's auto-pause. */
  lookEveryMinutes: z.number().int().min(1).optional(),
  watchMinutes: z.number().int().min(0).max(1_440).optional(),
})

export type AppSettings = z.output<typeof settingsSchema>

/** @throws {Error} the file cannot be read, or says something else: every problem in one message. */
export function loadAppSettings(file: string): AppSettings {
  const parsed = settingsSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')))
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  throw new Error(`${file}: ${problems.join('; ')}`)
}
