import { expect, test } from 'vitest'
import { commandsFor, filled } from '../../functions/core/paste.ts'

const COMMANDS = { migrateLate: null, repair: null, record: null }

test.each([
  ['alembic upgrade head', 'DATABASE_URL="$PROD_URL" alembic upgrade head'],
  ['cd backend && alembic upgrade head', 'cd backend && DATABASE_URL="$PROD_URL" alembic upgrade head'],
  ["cd 'my app' && alembic upgrade head", `cd 'my app' && DATABASE_URL="$PROD_URL" alembic upgrade head`],
])('%s reads this environment’s address, after the change of folder', (migrate, aimed) => {
  expect(commandsFor({ ...COMMANDS, addressIn: 'DATABASE_URL', migrate }, 'PROD_URL').migrate).toBe(aimed)
})

test('the parts of a key are a word each', () => {
  expect(filled('python manage.py migrate --fake PARTS', { PARTS: 'orders 0001_initial' })).toBe(
    'python manage.py migrate --fake orders 0001_initial',
  )
})
