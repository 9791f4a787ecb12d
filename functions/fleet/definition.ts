/**
 * The state machine of a fleet's run, in the Amazon States Language: plan, look at each database, tell. The map is the service's own:
 * its limit of looks at the same time, its retries, and no look that fails ends the run: what gave no answer is told as that. Every
 * path ends in a summary, or in a page that is sent without a function of ours.
 */

export interface FleetDefinitionInput {
  /** The function that plans, and tells. */
  readonly runFunctionArn: string
  /** The function that looks at one database. */
  readonly lookFunctionArn: string
  /** Where "nobody looks" is said; null: nowhere, and only the execution fails. */
  readonly pageTopicArn: string | null
  /** Looks at the same time. */
  readonly concurrency: number
}

/** An express execution lives five minutes: one look, and another where the first did not pass. */
export const LOOK_SECONDS = 240
const RUN_SECONDS = 600
const MACHINE_SECONDS = 6 * 3_600

const THROTTLED = [
  'Lambda.TooManyRequestsException',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
]
const AGAIN = { IntervalSeconds: 2, MaxAttempts: 6, BackoffRate: 2, MaxDelaySeconds: 30, JitterStrategy: 'FULL' }

export function fleetDefinition(input: FleetDefinitionInput): Readonly<Record<string, unknown>> {
  const { runFunctionArn, lookFunctionArn, pageTopicArn, concurrency } = input
  return {
    Comment: 'looks at every database of a fleet',
    StartAt: 'Begin',
    TimeoutSeconds: MACHINE_SECONDS,
    States: {
      Begin: {
        Type: 'Pass',
        Parameters: { 'order.$': '$', 'run.$': '$$.Execution.Name', 'startedAt.$': '$$.Execution.StartTime' },
        Next: 'Plan',
      },
      Plan: runStep(runFunctionArn, 'plan', { Next: 'Look', ResultPath: '$.plan' }),
      Look: {
        Type: 'Map',
        // Written by the plan alone, from the file of targets: what of it is no target is not in it.
        ItemReader: {
          Resource: 'arn:aws:states:::s3:getObject',
          ReaderConfig: { InputType: 'JSON' },
          Parameters: { 'Bucket.$': '$.plan.answer.bucket', 'Key.$': '$.plan.answer.key' },
        },
        ItemSelector: { 'target.$': '$$.Map.Item.Value', 'run.$': '$.run', 'order.$': '$.plan.answer.order' },
        ItemProcessor: {
          ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'EXPRESS' },
          StartAt: 'LookAtOne',
          States: {
            LookAtOne: {
              Type: 'Task',
              Resource: 'arn:aws:states:::lambda:invoke',
              Parameters: { FunctionName: lookFunctionArn, 'Payload.$': '$' },
              // Answers are documents in the store: all of them together are more than a state may hold.
              ResultSelector: { 'done.$': '$.StatusCode' },
              TimeoutSeconds: LOOK_SECONDS,
              Retry: [{ ErrorEquals: THROTTLED, ...AGAIN }],
              End: true,
            },
          },
        },
        MaxConcurrency: concurrency,
        ToleratedFailurePercentage: 100,
        ResultPath: null,
        // Also where not one could be started: the summary says of each that it gave no answer.
        Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'Tell' }],
        Next: 'Tell',
      },
      Tell: runStep(runFunctionArn, 'tell', { Next: 'Over', ResultPath: '$.told' }),
      Over: { Type: 'Succeed', OutputPath: '$.told.answer' },
      GiveUp: pageTopicArn === null ? { Type: 'Pass', Next: 'Unwatched' } : giveUp(pageTopicArn),
      Unwatched: {
        Type: 'Fail',
        Error: 'Deploywatch.Unwatched',
        Cause: 'the fleet could not be looked at: the verdict of each database is unsure',
      },
    },
  }
}

function runStep(functionArn: string, step: string, then: Readonly<Record<string, string>>): object {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Parameters: { FunctionName: functionArn, Payload: { step, 'state.$': '$' } },
    ResultSelector: { 'answer.$': '$.Payload' },
    TimeoutSeconds: RUN_SECONDS,
    Retry: [
      { ErrorEquals: THROTTLED, ...AGAIN },
      { ErrorEquals: ['States.ALL'], IntervalSeconds: 5, MaxAttempts: 2, BackoffRate: 2 },
    ],
    Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'GiveUp' }],
    ...then,
  }
}

/** By the service itself: whatever keeps our function from running does not keep this page from being sent. */
function giveUp(topicArn: string): object {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::sns:publish',
    Parameters: {
      TopicArn: topicArn,
      Subject: 'UNSURE: a fleet is not watched',
      'Message.$':
        "States.Format('Nobody looks at the fleet: the run {} ended before its summary. Whether its databases are ready is not known. Next: see the execution of that name, and the logs of its functions', $.run)",
      MessageAttributes: {
        severity: { DataType: 'String', StringValue: 'unsure' },
        kind: { DataType: 'String', StringValue: 'unwatched' },
      },
    },
    ResultPath: null,
    Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 5, MaxAttempts: 6, BackoffRate: 2 }],
    Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: null, Next: 'Unwatched' }],
    Next: 'Unwatched',
  }
}
