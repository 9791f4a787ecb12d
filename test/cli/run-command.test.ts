import { describe, expect, test } from 'vitest'
import { assertProgram, commandText } from '../../cli/run-command.ts'

describe('how a command is named in reports', () => {
  test.each([
    [['npx', 'prisma', 'migrate', 'deploy'], 'npx prisma migrate deploy'],
    [['npm', 'run', 'db:migrate'], 'npm run db:migrate'],
    [['npx', 'prisma@5.1.0', 'migrate', 'deploy'], 'npx prisma@5.1.0 migrate deploy'],
  ])('%j: whole where no word can be a secret', (words, text) => {
    expect(commandText(words)).toBe(text)
  })

  test.each([
    [['flyway', '-password=hunter2', 'migrate'], 'flyway …'],
    [['psql', 'postgres://app:hunter2@db/orders', '-f', 'all.sql'], 'psql …'],
    [['migrate', 'app:hunter2@db/orders', 'up'], 'migrate …'],
    [['npx', 'knex', 'migrate:latest', '--connection', 'hunter2'], 'npx knex migrate:latest …'],
    [['sh', '-c', 'PGPASSWORD=hunter2 ./migrate.sh'], 'sh …'],
    [['env', 'PGPASSWORD=hunter2', 'psql'], 'env …'],
  ])('%j: up to the first word that may be one', (words, text) => {
    expect(commandText(words)).toBe(text)
  })
})

describe('a program', () => {
  const world = { env: { PATH: '/nowhere:/bin:/usr/bin' }, cwd: '/' }

  test('that a folder of PATH has, or that its path leads to, can be run', async () => {
    await expect(assertProgram('sh', world)).resolves.toBeUndefined()
    await expect(assertProgram('./bin/sh', world)).resolves.toBeUndefined()
  })

  test.each([
    ['flywya', 'no folder of PATH has a program of that name'],
    ['./flyway', 'there is no program at that path'],
    ['bin', 'no folder of PATH'],
    ['/etc/passwd', 'there is no program at that path'],
  ])('that is none (%s) is wrong use', async (program, why) => {
    await expect(assertProgram(program, world)).rejects.toThrow(why)
  })

  test('with a whole command in it is told from one that is missing, and what may be a password is not shown', async () => {
    const refused = assertProgram('flyway -password=hunter2 migrate', world)
    await expect(refused).rejects.toThrow('as one word that begins with flyway: give it without the quotes')
    await expect(refused).rejects.not.toThrow('hunter2')
  })

  test('that is an assignment, which only a shell would understand, says how to make it', async () => {
    const refused = assertProgram('DATABASE_URL=postgres://app:hunter2@db/orders', world)
    await expect(refused).rejects.toThrow('`-- env DATABASE_URL=… COMMAND`')
    await expect(refused).rejects.not.toThrow('hunter2')
  })
})
