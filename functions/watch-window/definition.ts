/**
 * The state machine of a watch window, in the Amazon States Language: look, wait, look. It keeps no state of its own but how often
 * in a row a step did not come back; what a watch knows is in its document, so that a repeated step is harmless. Every path
 * ends: over with a verdict, or given up with a page that is sent without a function of ours.
 */

export interface DefinitionInput {
  /** The function that takes a step. */
  readonly stepFunctionArn: string
  /** Where "nobody watches" is said; null: nowhere, and only the execution fails. */
  readonly page: DirectPage | null
}

export interface DirectPage {
  readonly topicArn: string
  readonly isFifo: boolean
  /** URL of the queue for what the topic does not take: whoever redrives pages sends it later. */
  readonly deadLetters: string
}

/** Steps in a row that may fail, each with its own retries, until nobody believes any more that the next will not: minutes. */
export const STUMBLES_MOST = 6
const PAUSE_SECONDS = 30
/** A function's own limit is 900 s. */
const STEP_SECONDS = 890
/** A window is a day at most: what hangs beyond is stopped. The emulator ignores it, and so the loop has its own end. */
const MACHINE_SECONDS = 25 * 3_600

export function watchDefinition({ stepFunctionArn, page }: DefinitionInput): Readonly<Record<string, unknown>> {
  return {
    Comment: 'looks through a window after a deployment',
    StartAt: 'Begin',
    TimeoutSeconds: MACHINE_SECONDS,
    States: {
      Begin: { Type: 'Pass', Parameters: { 'order.$': '$', stumbles: 0 }, Next: 'Look' },
      Look: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Parameters: { FunctionName: stepFunctionArn, 'Payload.$': '$.order' },
        ResultSelector: { 'step.$': '$.Payload' },
        ResultPath: '$.last',
        TimeoutSeconds: STEP_SECONDS,
        Retry: [
          // What the service says of itself: it is worth more tries than an error of ours.
          {
            ErrorEquals: [
              'Lambda.TooManyRequestsException',
              'Lambda.ServiceException',
              'Lambda.AWSLambdaException',
              'Lambda.SdkClientException',
            ],
            IntervalSeconds: 2,
            MaxAttempts: 4,
            BackoffRate: 2,
            MaxDelaySeconds: 30,
            JitterStrategy: 'FULL',
          },
          { ErrorEquals: ['States.ALL'], IntervalSeconds: 2, MaxAttempts: 1, BackoffRate: 2 },
        ],
        Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'Stumbled' }],
        Next: 'IsOver',
      },
      IsOver: {
        Type: 'Choice',
        Choices: [{ Variable: '$.last.step.over', BooleanEquals: true, Next: 'Over' }],
        Default: 'Wait',
      },
      Wait: { Type: 'Wait', SecondsPath: '$.last.step.waitSeconds', Next: 'Again' },
      Again: { Type: 'Pass', Parameters: { 'order.$': '$.order', stumbles: 0 }, Next: 'Look' },
      Stumbled: {
        Type: 'Pass',
        Parameters: { 'order.$': '$.order', 'error.$': '$.error', 'stumbles.$': 'States.MathAdd($.stumbles, 1)' },
        Next: 'IsEnough',
      },
      IsEnough: {
        Type: 'Choice',
        Choices: [{ Variable: '$.stumbles', NumericGreaterThanEquals: STUMBLES_MOST, Next: 'GiveUp' }],
        Default: 'Pause',
      },
      Pause: { Type: 'Wait', Seconds: PAUSE_SECONDS, Next: 'Look' },
      ...(page === null ? { GiveUp: { Type: 'Pass', Next: 'Unwatched' } } : giveUp(page)),
      Unwatched: {
        Type: 'Fail',
        Error: 'Deploywatch.Unwatched',
        Cause: 'the watch of this deployment could not be carried out: its verdict is unsure, look by hand',
      },
      Over: { Type: 'Succeed', OutputPath: '$.last.step' },
    },
  }
}

const SENT = { IntervalSeconds: 5, MaxAttempts: 6, BackoffRate: 2 }

/** By the services themselves: whatever keeps our function from running does not keep this page from being sent. */
function giveUp({ topicArn, isFifo, deadLetters }: DirectPage): Readonly<Record<string, unknown>> {
  const fifo = isFifo ? { MessageGroupId: 'unwatched', 'MessageDeduplicationId.$': '$$.Execution.Name' } : {}
  const over = { ResultPath: null, Next: 'Unwatched' }
  const retry = [{ ErrorEquals: ['States.ALL'], ...SENT }]
  return {
    GiveUp: {
      ...over,
      Type: 'Task',
      Resource: 'arn:aws:states:::sns:publish',
      Parameters: {
        TopicArn: topicArn,
        Subject: UNWATCHED,
        'Message.$': UNWATCHED_TEXT,
        MessageAttributes: {
          service: { DataType: 'String', 'StringValue.$': '$.order.service' },
          environment: { DataType: 'String', 'StringValue.$': '$.order.environment' },
          severity: { DataType: 'String', StringValue: 'unsure' },
          kind: { DataType: 'String', StringValue: 'unwatched' },
        },
        ...fifo,
      },
      Retry: retry,
      Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: null, Next: 'Park' }],
    },
    Park: {
      ...over,
      Type: 'Task',
      Resource: 'arn:aws:states:::sqs:sendMessage',
      Parameters: {
        QueueUrl: deadLetters,
        // As `ParkedNotice` of functions/pages/send.ts.
        MessageBody: {
          schema: 'deploywatch/parked-notice/1',
          topic: topicArn,
          'watch.$': '$.order.watch',
          'service.$': '$.order.service',
          'environment.$': '$.order.environment',
          subject: UNWATCHED,
          'text.$': UNWATCHED_TEXT,
        },
      },
      Retry: retry,
      Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: null, Next: 'Unwatched' }],
    },
  }
}

/** No names: 100 characters at most, and a publish that is refused is a page that is late. */
const UNWATCHED = 'UNSURE: a deployment is not watched'
const UNWATCHED_TEXT =
  "States.Format('Nobody watches the deployment {} of {} in {}: the watch function did not answer. Whether the release works is not known. Next: npx deploywatch check --env {} --deployed', $.order.watch, $.order.service, $.order.environment, $.order.environment)"
