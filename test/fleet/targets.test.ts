import { describe, expect, test } from 'vitest'
import { parseTargets } from '../../functions/fleet/targets.ts'

const CLUSTER = 'arn:aws:rds:eu-west-1:111111111111:cluster:shop-a'
const SECRET = 'arn:aws:secretsmanager:eu-west-1:111111111111:secret:watch-a'
const ALLOWED = {
  clusters: ['arn:aws:rds:eu-west-1:111111111111:cluster:shop-*'],
  secrets: ['arn:aws:secretsmanager:eu-west-1:111111111111:secret:watch-*'],
}

function line(name: string, more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ name, database: { cluster: CLUSTER, secret: SECRET, name: 'shop', ...more } })
}

describe('the file of targets', () => {
  test('JSON lines and one array are the same, empty lines and a byte order mark nothing', () => {
    const lines = parseTargets(`\uFEFF${line('a')}\r\n\n${line('b')}\n`, 'targets.jsonl', ALLOWED)
    const array = parseTargets(`[${line('a')},\n${line('b')}]`, 'targets.json', ALLOWED)
    expect(lines).toEqual(array)
    expect(lines.targets.map(({ name }) => name)).toEqual(['a', 'b'])
    expect(lines.problems).toEqual([])
  })

  test.each([
    ['no JSON', 'targets.jsonl:2', /^this line is no JSON$/u],
    [line('b', { secret: undefined }), 'targets.jsonl:2', /^b: /u],
    [JSON.stringify({ database: {} }), 'targets.jsonl:2', /^name: /u],
    [line('a'), 'targets.jsonl:2', /the name a is that of targets\.jsonl:1 too/u],
    [
      line('b', { cluster: CLUSTER.replace('shop-a', 'payroll') }),
      'targets.jsonl:2',
      /does not allow the cluster .*payroll/u,
    ],
    [
      line('b', { secret: SECRET.replace('watch-a', 'admin') }),
      'targets.jsonl:2',
      /does not allow the secret .*admin/u,
    ],
    [
      JSON.stringify({ name: 'b', database: { url: 'postgres://u:hidden@h/d' } }),
      'targets.jsonl:2',
      /^b: database\.url/u,
    ],
    [
      JSON.stringify({ name: 'b', database: { host: 'h', name: 'd', iam: true, user: 'u' } }),
      'targets.jsonl:2',
      /database\.secret lacks/u,
    ],
    [JSON.stringify({ name: '../b', database: {} }), 'targets.jsonl:2', /^name: is no name/u],
  ])('%s is told with its place, and the other lines stay', (wrong, place, message) => {
    const { targets, problems } = parseTargets(`${line('a')}\n${wrong}\n${line('z')}`, 'targets.jsonl', ALLOWED)
    expect(targets.map(({ name }) => name)).toEqual(['a', 'z'])
    expect(problems).toEqual([{ place, message: expect.stringMatching(message) }])
    expect(JSON.stringify(problems)).not.toContain('hidden')
  })

  test('a file that is an array which does not end is one problem', () => {
    expect(parseTargets(`[${line('a')}`, 'targets.json', null)).toEqual({
      targets: [],
      problems: [{ place: 'targets.json:1', message: 'the file is no JSON: neither lines nor an array' }],
    })
  })
})
