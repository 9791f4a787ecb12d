/**
 * The gates of all deployment systems, each made when it is first asked for, as what CDK users put into a pipeline, a deployment
 * group, a service or a state machine. CloudFormation's is `Deploywatch.gate`.
 */
import { Duration, Stack } from 'aws-cdk-lib'
import type { Artifact, Pipeline } from 'aws-cdk-lib/aws-codepipeline'
import { Rule } from 'aws-cdk-lib/aws-codepipeline'
import { LambdaInvokeAction } from 'aws-cdk-lib/aws-codepipeline-actions'
import { DeploymentLifecycleLambdaTarget, DeploymentLifecycleStage } from 'aws-cdk-lib/aws-ecs'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { TaskInput, Timeout } from 'aws-cdk-lib/aws-stepfunctions'
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks'
import type { Construct } from 'constructs'
import type { CodeDeployHookName } from '../functions/settings.ts'
import { createGateFunction, GATE_SECONDS } from './gate-function.ts'
import type { GateFunctionProps, GatesProps } from './gate-function.ts'
import { hookFunctionName } from './hook-function-name.ts'
import { PUBLISHED } from './store.ts'
import type { WatchFunction } from './watch-function.ts'

/** How a release was published: by one of these. Variables of a pipeline and paths of a state machine may stand here. */
export interface NamedRelease {
  /** Of the expectation: beyond doubt. */
  readonly digest?: string
  readonly version?: string
  readonly commit?: string
  /** Given with `npx deploywatch publish --label`. */
  readonly label?: string
}

export interface PipelineGateProps {
  /** Of the action or the rule, in its stage. Default: `DatabaseReady`. */
  readonly name?: string
  /** The artifact with deploywatch.release.json and its catalog part. Here or below `release` the release has to be named. */
  readonly input?: Artifact
  /** Where the manifest is in the artifact. Default: at its top. */
  readonly manifest?: string
  readonly release?: NamedRelease
  /** It comes after the deployment: endpoints are judged too. Default: false. */
  readonly deployed?: boolean
}

export interface PipelineActionProps extends PipelineGateProps {
  /** Default: 1. */
  readonly runOrder?: number
  /** Under which the variables `verdict` and `release` are found. */
  readonly variablesNamespace?: string
}

export interface EcsHookProps {
  /** Of the service: revisions in it are asked for their images. */
  readonly cluster: { readonly clusterName: string }
  /** Narrows that to one service; its name must be known before the service is made. */
  readonly serviceName?: string
  /** The container whose image is the release. Default: the only one. */
  readonly container?: string
  /** Default: before a task of the new revision starts. */
  readonly lifecycleStages?: readonly DeploymentLifecycleStage[]
}

export interface StepFunctionsTaskProps {
  readonly release: NamedRelease
  /** `throw` (default): a refusal is the error `DeploywatchRefused`. `answer`: the document's `proceed` is false. */
  readonly onRefusal?: 'throw' | 'answer'
  readonly deployed?: boolean
  /** Where the verdict's document is put into the state's input. Default: `$.deploywatch`. */
  readonly resultPath?: string
}

/** A deployment group of whichever platform. */
export interface HookedGroup {
  readonly deploymentGroupArn: string
  readonly application: { readonly applicationArn: string }
}

/** CodePipeline ends a job after 20 minutes without an answer, CodeDeploy a hook after an hour: later ones are of no use. */
const JOB_AGE = Duration.minutes(20)
const HOOK_AGE = Duration.hours(1)
const PUT_JOB = ['codepipeline:PutJobSuccessResult', 'codepipeline:PutJobFailureResult']

export class Gates {
  readonly #scope: Construct
  readonly #of: GatesProps
  readonly #made = new Map<string, WatchFunction>()

  constructor(scope: Construct, of: GatesProps) {
    this.#scope = scope
    this.#of = of
  }

  /** Answers custom resources: their ServiceToken. */
  get cloudFormation(): WatchFunction {
    return this.#function('CloudFormationGate', {
      handler: 'cloudformation-gate',
      answers: 'CloudFormation',
      publishes: ['manifests'],
    })
  }

  /** An action for a stage of a pipeline, before the one that deploys. */
  codePipelineAction(props: PipelineActionProps): LambdaInvokeAction {
    const { name = 'DatabaseReady', input, runOrder, variablesNamespace } = props
    return new LambdaInvokeAction({
      actionName: name,
      lambda: this.codePipelineFunction('action').function,
      ...(input === undefined ? {} : { inputs: [input] }),
      ...(runOrder === undefined ? {} : { runOrder }),
      ...(variablesNamespace === undefined ? {} : { variablesNamespace }),
      userParameters: this.#parameters(props, name),
    })
  }

  /** A rule for the conditions of a stage of this pipeline, such as `beforeEntry`. */
  codePipelineRule(pipeline: Pipeline, props: PipelineGateProps): Rule {
    const { name = 'DatabaseReady', input } = props
    const { function: lambda } = this.codePipelineFunction('condition')
    if (input !== undefined && input.artifactName === undefined)
      throw new Error(`the rule ${name} needs an artifact that has a name: new Artifact('BuildArtifact')`)
    lambda.grantInvoke(pipeline.role)
    pipeline.role.addToPrincipalPolicy(new PolicyStatement({ actions: ['lambda:ListFunctions'], resources: ['*'] }))
    return new Rule({
      name,
      provider: 'LambdaInvoke',
      version: '1',
      configuration: {
        FunctionName: lambda.functionName,
        UserParameters: Stack.of(this.#scope).toJsonString(this.#parameters(props, name)),
      },
      ...(input?.artifactName === undefined ? {} : { inputArtifacts: [input.artifactName] }),
    })
  }

  /** The function behind actions or rules, for pipelines that are defined elsewhere. */
  codePipelineFunction(of: 'action' | 'condition'): WatchFunction {
    const isAction = of === 'action'
    const made = this.#function(isAction ? 'CodePipelineAction' : 'CodePipelineCondition', {
      handler: `codepipeline-${of}`,
      answers: isAction ? "CodePipeline's actions" : "CodePipeline's conditions",
      publishes: PUBLISHED,
      // A rule's refusal is thrown: called again, the function would only look again.
      retry: { attempts: isAction ? 2 : 0, maxEventAge: JOB_AGE },
      refusesByThrowing: !isAction,
    })
    made.allow(PUT_JOB, ['*'], 'a job is no resource: CodePipeline lets its results be allowed for all or none')
    return made
  }

  /**
   * The function of a hook, for `addPreHook` (BeforeAllowTraffic) and `addPostHook` (AfterAllowTraffic) of a deployment group, or
   * by its name in an AppSpec. Its name begins as CodeDeploy's own policies want it.
   */
  codeDeployHook(hook: CodeDeployHookName, ...groups: readonly HookedGroup[]): IFunction {
    const { service, environment } = this.#of
    const made = this.#function(`CodeDeploy${hook}`, {
      handler: 'codedeploy-hook',
      answers: `CodeDeploy's ${hook}`,
      settings: { hook },
      functionName: hookFunctionName(service, environment, hook),
      retry: { attempts: 2, maxEventAge: HOOK_AGE },
    })
    for (const { deploymentGroupArn, application } of groups) {
      made.allow(['codedeploy:GetDeployment', 'codedeploy:PutLifecycleEventHookExecutionStatus'], [deploymentGroupArn])
      // GetDeployment leaves an AppSpec's content out.
      made.allow(['codedeploy:GetApplicationRevision'], [application.applicationArn])
    }
    return made.function
  }

  /** For `lifecycleHooks` of an ECS service with a blue/green, linear or canary strategy. */
  ecsHook(props: EcsHookProps): DeploymentLifecycleLambdaTarget {
    const { lifecycleStages = [DeploymentLifecycleStage.PRE_SCALE_UP] } = props
    const { hook, role } = this.ecsHookFunction(props)
    return new DeploymentLifecycleLambdaTarget(hook.function, 'Deploywatch', {
      role,
      lifecycleStages: [...lifecycleStages],
    })
  }

  /** The function behind such hooks, and the role by which ECS invokes it, for services that are defined elsewhere. */
  ecsHookFunction(props: Omit<EcsHookProps, 'lifecycleStages'>): { readonly hook: WatchFunction; readonly role: Role } {
    const { cluster, serviceName, container } = props
    const hook = this.#function(`EcsHook${container ?? ''}`, {
      handler: 'ecs-hook',
      answers: "ECS' deployments",
      settings: { container: container ?? null },
    })
    const resourceName = `${cluster.clusterName}/${serviceName === undefined ? '' : `${serviceName}/`}*`
    const revisions = Stack.of(hook).formatArn({ service: 'ecs', resource: 'service-revision', resourceName })
    hook.allow(['ecs:DescribeServiceRevisions'], [revisions], 'ECS makes the last part of the name: images are read')
    const made = hook.node.tryFindChild('Invoker')
    if (made !== undefined) return { hook, role: made as Role }
    const role = new Role(hook, 'Invoker', { assumedBy: new ServicePrincipal('ecs.amazonaws.com') })
    const resources = [hook.function.functionArn]
    role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources }))
    return { hook, role }
  }

  /** A state that comes before the one that deploys. A refusal is the error `DeploywatchRefused`, to be caught by its name. */
  stepFunctionsTask(scope: Construct, id: string, props: StepFunctionsTaskProps): LambdaInvoke {
    const { release, onRefusal = 'throw', deployed, resultPath = '$.deploywatch' } = props
    return new LambdaInvoke(scope, id, {
      lambdaFunction: this.stepFunctionsFunction(onRefusal).function,
      payload: TaskInput.fromObject({ ...this.#names(release, id), ...(deployed === true ? { deployed } : {}) }),
      payloadResponseOnly: true,
      resultPath,
      taskTimeout: Timeout.duration(Duration.seconds(GATE_SECONDS + 30)),
    })
  }

  /** The function behind such states, for state machines that are defined elsewhere. */
  stepFunctionsFunction(onRefusal: 'throw' | 'answer'): WatchFunction {
    return this.#function(onRefusal === 'throw' ? 'StepFunctionsTask' : 'StepFunctionsAnswer', {
      handler: 'step-functions-task',
      answers: "Step Functions' tasks",
      settings: { onRefusal },
      refusesByThrowing: onRefusal === 'throw',
    })
  }

  #function(id: string, props: GateFunctionProps): WatchFunction {
    const made = this.#made.get(id) ?? createGateFunction(this.#scope, id, this.#of, props)
    this.#made.set(id, made)
    return made
  }

  #parameters(
    { input, manifest, release, deployed }: PipelineGateProps,
    name: string,
  ): Readonly<Record<string, unknown>> {
    const { service, environment } = this.#of
    return {
      ...(release !== undefined || input === undefined
        ? this.#names(release ?? {}, name)
        : { service, environment, ...(manifest === undefined ? {} : { manifest }) }),
      ...(deployed === true ? { deployed } : {}),
    }
  }

  /** Service and environment too: the gate of another environment, named by mistake, refuses. */
  #names(release: NamedRelease, name: string): Readonly<Record<string, string>> {
    const { service, environment } = this.#of
    if (Object.values(release).length === 0)
      throw new Error(`${name} has to know the release: give it one of digest, version, commit or label`)
    return { service, environment, ...release }
  }
}
