/**
 * The state machine of a migration, in the Amazon States Language: step, wait, step. It keeps nothing but how often in a row a
 * step did not come back; a step that is told so gives an answer that says so. The input names the request, and no secret.
 */

/** A function's own limit is 900 s, and a Lambda function that migrates may take all of it. */
const STEP_SECONDS = 899
const PAUSE_SECONDS = 10
/** CloudFormation listens for an hour: beyond it nobody is told anything. */
const STUMBLES_MOST = 60
/** The emulator ignores it, and so a step has its own end. */
const MACHINE_SECONDS = 2 * 3_600

export function migrationDefinition(stepFunctionArn: string): Readonly<Record<string, unknown>> {
  const order = (stumbles: unknown, cause: unknown): Readonly<Record<string, unknown>> => ({
    'request.$': '$.request',
    ...(typeof stumbles === 'number' ? { stumbles } : { 'stumbles.$': stumbles }),
    ...(cause === null ? { cause } : { 'cause.$': cause }),
  })
  return {
    Comment: 'migrates, confirms, and answers CloudFormation',
    StartAt: 'Begin',
    TimeoutSeconds: MACHINE_SECONDS,
    States: {
      Begin: { Type: 'Pass', Parameters: order(0, null), Next: 'Step' },
      Step: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Parameters: { FunctionName: stepFunctionArn, 'Payload.$': '$' },
        ResultSelector: { 'step.$': '$.Payload' },
        ResultPath: '$.last',
        TimeoutSeconds: STEP_SECONDS,
        Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'Stumbled' }],
        Next: 'IsOver',
      },
      IsOver: {
        Type: 'Choice',
        Choices: [{ Variable: '$.last.step.over', BooleanEquals: true, Next: 'Over' }],
        Default: 'Wait',
      },
      Wait: { Type: 'Wait', SecondsPath: '$.last.step.waitSeconds', Next: 'Begin' },
      Stumbled: {
        Type: 'Pass',
        Parameters: order('States.MathAdd($.stumbles, 1)', '$.error.Cause'),
        Next: 'IsEnough',
      },
      IsEnough: {
        Type: 'Choice',
        Choices: [{ Variable: '$.stumbles', NumericGreaterThanEquals: STUMBLES_MOST, Next: 'Unanswered' }],
        Default: 'Pause',
      },
      Pause: { Type: 'Wait', Seconds: PAUSE_SECONDS, Next: 'Step' },
      Unanswered: {
        Type: 'Fail',
        Error: 'Deploywatch.Unanswered',
        Cause: 'CloudFormation could not be answered: it fails the stack by its own time limit',
      },
      Over: { Type: 'Succeed' },
    },
  }
}
