import * as cloudformation from '@aws-sdk/client-cloudformation'
import * as codedeploy from '@aws-sdk/client-codedeploy'
import { afterEach, expect, test } from 'vitest'
import { awsError, awsService, HANG_UP, startAwsServiceFake } from './aws-service-fake.ts'
import type { AwsServiceFake } from './aws-service-fake.ts'

let fake: AwsServiceFake | null = null
afterEach(async () => {
  const open = fake
  fake = null
  await open?.close()
})

test('a JSON service is asked and answers as the SDK has it, times included', async () => {
  const createTime = new Date('2026-01-01T12:00:00.000Z')
  fake = await startAwsServiceFake([
    awsService(codedeploy, {
      ListDeployments: ({ createTimeRange }) => ({
        deployments: [createTimeRange?.start?.toISOString() === createTime.toISOString() ? 'd-1' : 'wrong'],
      }),
      GetDeployment: ({ deploymentId }) => ({ deploymentInfo: { deploymentId: deploymentId ?? '', createTime } }),
    }),
  ])
  const client = new codedeploy.CodeDeployClient(fake.client)
  const listed = await client.send(new codedeploy.ListDeploymentsCommand({ createTimeRange: { start: createTime } }))
  expect(listed.deployments).toEqual(['d-1'])
  const got = await client.send(new codedeploy.GetDeploymentCommand({ deploymentId: 'd-1' }))
  expect(got.deploymentInfo).toEqual({ deploymentId: 'd-1', createTime })
  expect(fake.calls[1]).toEqual({ service: 'codedeploy', operation: 'GetDeployment', input: { deploymentId: 'd-1' } })
})

test('a Query service is asked and answers as the SDK has it', async () => {
  const LastUpdatedTime = new Date('2026-01-01T12:00:00.000Z')
  const stack = {
    StackName: 'orders & co',
    CreationTime: LastUpdatedTime,
    StackStatus: 'UPDATE_COMPLETE' as const,
    Tags: [{ Key: 'deploywatch:release', Value: '1.42.0' }],
    Outputs: [{ OutputKey: 'a', OutputValue: '<b>' }],
  }
  fake = await startAwsServiceFake([
    awsService(cloudformation, {
      DescribeStacks: ({ StackName }) =>
        StackName === 'gone'
          ? awsError('ValidationError', 'Stack with id gone does not exist')
          : { Stacks: [{ ...stack, LastUpdatedTime }] },
    }),
  ])
  const client = new cloudformation.CloudFormationClient(fake.client)
  const { Stacks } = await client.send(new cloudformation.DescribeStacksCommand({ StackName: 'orders' }))
  expect(Stacks).toEqual([{ ...stack, LastUpdatedTime }])
  await expect(client.send(new cloudformation.DescribeStacksCommand({ StackName: 'gone' }))).rejects.toMatchObject({
    name: 'ValidationError',
    message: 'Stack with id gone does not exist',
  })
})

test('a request that lacks what the service model requires is refused, and fails the test', async () => {
  const strict = await startAwsServiceFake([
    awsService(codedeploy, { GetDeployment: () => ({}), PutLifecycleEventHookExecutionStatus: () => ({}) }),
  ])
  const client = new codedeploy.CodeDeployClient(strict.client)
  const send = client.send(new codedeploy.GetDeploymentCommand({ deploymentId: undefined }))
  await expect(send).rejects.toThrow('GetDeployment.deploymentId: required, and not there')
  await expect(strict.close()).rejects.toThrow('requests that AWS would refuse')
})

test('a call that nobody expected is refused, and an answer that AWS would never give too', async () => {
  const strict = await startAwsServiceFake([
    // @ts-expect-error a member that the model does not have
    awsService(codedeploy, { GetDeployment: () => ({ deployment: {} }) }),
  ])
  const client = new codedeploy.CodeDeployClient(strict.client)
  await expect(client.send(new codedeploy.ListDeploymentsCommand({}))).rejects.toThrow('nobody expected this call')
  const answered = client.send(new codedeploy.GetDeploymentCommand({ deploymentId: 'd-1' }))
  await expect(answered).rejects.toThrow('GetDeployment.deployment: no such member')
  await expect(strict.close()).rejects.toThrow()
})

test('a service that hangs up is a broken connection for its caller', async () => {
  fake = await startAwsServiceFake([awsService(codedeploy, { GetDeployment: () => HANG_UP })])
  const client = new codedeploy.CodeDeployClient(fake.client)
  await expect(client.send(new codedeploy.GetDeploymentCommand({ deploymentId: 'd-1' }))).rejects.toMatchObject({
    code: 'ECONNRESET',
  })
})
