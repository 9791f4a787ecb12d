import type { RequestListener, Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn'
import { afterEach, expect, test } from 'vitest'
import { openClient } from '../functions/aws-clients.ts'

let server: Server | null = null
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function listening(listener: RequestListener): Promise<string> {
  const started = createServer(listener)
  server = started
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}`
}

function clientOf(endpoint: string, attempts: number): SFNClient {
  const config = { endpoint, region: 'eu-west-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }
  return openClient(SFNClient, { attempts, connectMs: 250, requestMs: 300 }, config)
}

const command = new ListExecutionsCommand({
  stateMachineArn: 'arn:aws:states:eu-west-1:111122223333:stateMachine:watch',
})

test('a request that nobody answers throws, and connecting has its own end', async () => {
  const client = clientOf(await listening((request) => void request.resume()), 1)
  await expect(client.send(command)).rejects.toThrow(expect.objectContaining({ name: 'TimeoutError' }))
  expect(client.config.requestHandler).toMatchObject({ config: { connectionTimeout: 250 } })
})

test('an answer that stops in its middle throws: the limit of a request ends where its answer begins', async () => {
  const endpoint = await listening((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0', 'content-length': '100' })
    response.write('{"executions":[')
  })
  const sent = clientOf(endpoint, 1).send(command)
  await expect(sent).rejects.toThrow(expect.objectContaining({ name: 'TimeoutError' }))
})

test('a call is tried as often as its limits say', async () => {
  let requests = 0
  const endpoint = await listening((request, response) => {
    requests += 1
    request.resume()
    response.writeHead(503).end()
  })
  await expect(clientOf(endpoint, 2).send(command)).rejects.toThrow()
  expect(requests).toBe(2)
})
