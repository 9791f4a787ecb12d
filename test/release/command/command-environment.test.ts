import { expect, test } from 'vitest'
import { commandEnvironment } from '../../../functions/release/command/command-environment.ts'

const address = { host: '127.0.0.1', port: 7654, user: 'postgres', password: 'postgres', database: 'postgres' }
const URL = 'postgresql://postgres:postgres@127.0.0.1:7654/postgres'

function given(
  env: Readonly<Record<string, string>>,
  more: Partial<Parameters<typeof commandEnvironment>[0]> = {},
): Record<string, string> {
  return commandEnvironment({ env, address, addressIn: [], environments: [], files: [], ...more })
}

test('the address is in DATABASE_URL, in PGHOST and its like, and in the variable of the tool', () => {
  expect(given({ PATH: '/bin' }, { addressIn: ['ORDERS_URL'] })).toEqual({
    PATH: '/bin',
    DATABASE_URL: URL,
    ORDERS_URL: URL,
    PGHOST: '127.0.0.1',
    PGPORT: '7654',
    PGUSER: 'postgres',
    PGPASSWORD: 'postgres',
    PGDATABASE: 'postgres',
    PGSSLMODE: 'disable',
  })
})

test('nothing that leads to another database stays', () => {
  const env = {
    DATABASE_URL: 'postgres://u:secret@prod.example.com/orders?sslmode=require&schema=app',
    ORDERS_DSN: 'postgresql+psycopg://u:secret@prod.example.com/orders',
    SPRING_DATASOURCE_URL: 'jdbc:postgresql://prod.example.com/orders?user=u&password=secret',
    OLD_URL: 'mysql://u:secret@prod.example.com/orders',
    PGSERVICE: 'prod',
    PGPASSFILE: '/secret/pgpass',
    PGOPTIONS: '-c role=secret',
    DB_HOST: 'prod.example.com',
    DB_ORDERS_PORT: '6432',
    POSTGRES_PASSWORD: 'secret',
    ORDERS_DATABASE_NAME: 'prod',
    PRODUCTION_WRITER: 'prod.example.com',
  }
  const result = given({ ...env, USER: 'ada' }, { environments: ['PRODUCTION_WRITER', 'DB_HOST', 'USER'] })
  expect(result['USER']).toBe('ada')
  expect(JSON.stringify(result)).not.toMatch(/secret|prod/)
  expect(result).toMatchObject({
    DATABASE_URL: 'postgres://postgres:postgres@127.0.0.1:7654/postgres?schema=app',
    ORDERS_DSN: 'postgresql+psycopg://postgres:postgres@127.0.0.1:7654/postgres',
    SPRING_DATASOURCE_URL: 'jdbc:postgresql://127.0.0.1:7654/postgres?user=postgres&password=postgres',
    DB_HOST: '127.0.0.1',
    DB_ORDERS_PORT: '7654',
    POSTGRES_PASSWORD: 'postgres',
    ORDERS_DATABASE_NAME: 'postgres',
  })
  expect(Object.keys(result)).not.toEqual(expect.arrayContaining(['OLD_URL']))
})

test('what a .env file would set is set already, where it leads to a database; the rest is left to the tool', () => {
  const file = `# orders
export LEGACY_DSN="postgres://prod.example.com/orders" # the old one
TYPEORM_HOST=prod.example.com
PORT=3000
not a line
`
  const result = given({ PATH: '/bin' }, { files: [file] })
  expect(result).toMatchObject({
    LEGACY_DSN: 'postgres://postgres:postgres@127.0.0.1:7654/postgres',
    TYPEORM_HOST: '127.0.0.1',
  })
  expect(result['PORT']).toBeUndefined()
})

test('what is about no database stays as it is', () => {
  const env = {
    NODE_ENV: 'production',
    PORT: '3000',
    AWS_REGION: 'eu-west-1',
    REDIS_URL: 'redis://cache:6379',
    HOST: 'web',
  }
  expect(given(env)).toMatchObject(env)
})
