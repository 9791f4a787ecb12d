import { readFile } from 'node:fs/promises'
import { glob } from 'tinyglobby'
import { expect, test } from 'vitest'

/** `new SFNClient(`, `new sdk.S3Client(`, the clients with a method for each call, and limits written by hand. */
const UNLIMITED =
  /new\s+(?:\w+\.)*(?:\w+Client|S3|SNS|SQS|SFN|ECS|Lambda|DynamoDB|CloudWatch|CloudFormation|SecretsManager|RDSData)\s*\(|\b(?:requestTimeout|requestHandler|throwOnRequestTimeout)\b/u

function unlimited(text: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => !/^\s*(?:\/\/|\/?\*)/u.test(line))
    .filter((line) => UNLIMITED.test(line))
    .map((line) => line.trim())
}

test('every client of AWS is made by functions/aws-clients.ts, with limits that throw', async () => {
  const files = await glob(['functions/**/*.ts', 'cli/**/*.ts', 'local/**/*.ts', 'infra/**/*.ts'], {
    ignore: ['functions/aws-clients.ts'],
  })
  const found: string[] = []
  let made = 0
  for (const file of files) {
    const text = await readFile(file, 'utf8')
    found.push(...unlimited(text).map((line) => `${file}: ${line}`))
    made += text.split('openClient(').length - 1
  }
  expect(found).toEqual([])
  // Else the search is over the wrong files.
  expect(made).toBeGreaterThan(15)
})

test.each([
  'const sns = new SNSClient({ maxAttempts: 1 })',
  'const sns = new SNSClient(ONCE)',
  'const client = new sdk.RDSDataClient(config)',
  'return new S3({})',
  'const handler = { requestTimeout: 5_000 }',
])('planted: %s', (line) => {
  expect(unlimited(`// one\n${line}\n`)).toEqual([line])
})
