import { describe, expect, test } from 'vitest'
import { detectTool } from '../../functions/ledgers/detection.ts'
import { laravel } from '../../functions/ledgers/laravel.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'

type Files = Readonly<Record<string, string>>
const PATH = 'database/migrations'
const PHP = '<?php\nreturn new class extends Migration\n{\n    public function up() {}\n};\n'
const [A, B, C] = ['2024_01_01_000000_create_a', '2024_01_02_000000_create_b', '2024_01_03_000000_create_c'] as const
const named = (...names: readonly string[]): Files =>
  Object.fromEntries(names.map((name) => [`${PATH}/${name}.php`, PHP]))
const discover = (files: Files, path = `./${PATH}/`) =>
  laravel.discover(projectOf({ artisan: '', ...files }), { path, placeholders: {}, table: null })
const interpret = async (rows: readonly string[], files: Files) =>
  laravel.interpret({
    table: { schema: 'public', table: 'migrations', columns: {}, readable: true },
    rows: rows.map((migration) => ({ migration, batch: '1' })),
    beside: [],
    migrations: (await discover(files)).migrations,
  })
const table = (columns: Readonly<Record<string, string>>, name = 'migrations') => ({
  schema: 'public',
  table: name,
  columns,
  readable: true,
})

test('files with an underscore, not those below, which are said; in order of their names', async () => {
  const { migrations, notes } = await discover(named(B, A, 'helpers', `tenant/${C}`, 'größe_"x" y'))
  expect(migrations.map(({ subject }) => subject)).toEqual([A, B, 'größe_"x" y'])
  expect(migrations.every(({ form }) => form === 'code')).toBe(true)
  expect(notes).toEqual([expect.stringContaining(`${PATH}/tenant/${C}.php in folders below`)])
})

test('a late one is run', async () => {
  const { late, commands } = await discover(named(A))
  expect([late, commands.migrateLate]).toEqual(['runs', 'php artisan migrate --force'])
})

test('a batch that was rolled back has no rows, and the others keep their place', async () => {
  const { applied } = await interpret([A, C], named(A, B, C))
  expect(applied.map(({ key, place }) => [key, place])).toEqual([
    [A, 1],
    [C, 3],
  ])
})

describe('rows without a file', () => {
  test('from before the newest migration may be of packages or of a pruned dump: said, not judged', async () => {
    const { applied, notes } = await interpret(
      ['2019_12_14_000001_create_personal_access_tokens_table', A, B],
      named(A, B),
    )
    expect(applied.map(({ key }) => key)).toEqual([A, B])
    expect(notes).toEqual([
      expect.stringContaining('public.migrations has 1 row without a file in this release (2019_12_14_'),
    ])
  })

  test('from after it are of a newer release', async () => {
    const { applied, notes } = await interpret([A, C], named(A))
    expect(applied.map(({ key }) => key)).toEqual([A, C])
    expect(notes).toEqual([])
  })
})

test('a schema dump is said: what it holds shows in no file', async () => {
  const { notes } = await discover({ ...named(A), 'database/schema/pgsql-schema.sql': '' })
  expect(notes).toEqual([expect.stringContaining('database/schema/pgsql-schema.sql is a schema dump')])
})

test('shouldRun() decides at run time: where it has no row, it is unclear, and neither missing nor fine', async () => {
  const files = {
    ...named(A),
    [`${PATH}/${B}.php`]: PHP.replace('}\n};', '}\n public function shouldRun(): bool {} };'),
  }
  expect((await interpret([A], files)).unclear).toMatchObject({ keys: [B] })
  expect((await interpret([A, B], files)).unclear).toBeUndefined()
})

describe('config/database.php', () => {
  const of = async (config: string) => {
    const found = await discover({ ...named(A), 'config/database.php': `<?php return [ ${config} ];` })
    return { table: found.table, notes: found.notes.length }
  }

  test('a name, or an array with a table; the prefix and the schema of the connection', async () => {
    expect(await of("'migrations' => 'migrations',")).toEqual({ table: null, notes: 0 })
    expect(await of("# don't\n 'migrations' => 'log', // 'migrations' => 'x',")).toEqual({
      table: { schema: null, table: 'log' },
      notes: 0,
    })
    expect(await of("'migrations' => [ 'table' => 'log', 'update_date_on_publish' => true ],")).toMatchObject({
      table: { table: 'log' },
    })
    const pgsql =
      "'connections' => [ 'pgsql' => [ 'prefix' => 'app_', 'search_path' => 'shop,public', 'options' => [] ] ],"
    expect(await of(`${pgsql} 'migrations' => 'migrations',`)).toEqual({
      table: { schema: 'shop', table: 'app_migrations' },
      notes: 0,
    })
  })

  test('what is computed is asked for', async () => {
    expect(await of("'migrations' => env('T', 'migrations'),")).toEqual({ table: null, notes: 1 })
  })

  test('the variable of the address, caches aside', async () => {
    const config = "<?php return [ 'url' => env('DB_URL'), 'redis' => [ 'url' => env('REDIS_URL') ] ];"
    const { commands } = await discover({ ...named(A), 'config/database.php': config })
    expect(commands.addressIn).toBe('DB_URL')
  })
})

describe('folders that providers load', () => {
  const provider = (argument: string): Files => ({
    'app/Providers/XServiceProvider.php': `<?php class X { function boot() { $this->loadMigrationsFrom(${argument}); } }`,
    [`modules/m/${B}.php`]: PHP,
  })

  test('are one list with the main one, as literals', async () => {
    for (const argument of [
      "base_path('modules/m')",
      "__DIR__.'/../../modules/m'",
      "[database_path('../modules/m')]",
    ]) {
      const { migrations } = await discover({ ...named(A, C), ...provider(argument) })
      expect(migrations.map(({ subject }) => subject)).toEqual([A, B, C])
    }
  })

  test('are said where they are computed', async () => {
    const { migrations, notes } = await discover({ ...named(A), ...provider('$this->paths') })
    expect(migrations).toHaveLength(1)
    expect(notes).toEqual([
      expect.stringContaining('app/Providers/XServiceProvider.php loads migrations from a folder'),
    ])
  })

  test('a folder that is named by itself has its own command', async () => {
    const { migrations, commands } = await discover({ ...named(A), ...provider('$x') }, 'modules/m')
    expect(migrations).toHaveLength(1)
    expect(commands.migrate).toBe('php artisan migrate --force --path=modules/m')
  })
})

describe('whose the table migrations is', () => {
  test('told from TypeORM’s and db-migrate’s by its columns', () => {
    expect(
      laravel.recognise(table({ id: 'integer', migration: 'character varying(255)', batch: 'integer' }), []),
    ).not.toBeNull()
    expect(laravel.recognise(table({ id: 'integer', name: 'character varying', run_on: 'timestamp' }), [])).toBeNull()
    expect(laravel.recognise(table({ id: 'integer', timestamp: 'bigint', name: 'character varying' }), [])).toBeNull()
  })

  test('files of Laravel are told by what they extend, or by their name beside an artisan', async () => {
    const detect = async (files: Files) => {
      const found = await detectTool(projectOf(files), PATH, null)
      return 'problem' in found ? found.problem : `${found.tool.name} ${found.detection.confidence}`
    }
    expect(await detect(named(A))).toBe('laravel certain')
    const other = { [`${PATH}/${A}.php`]: '<?php class X extends OurMigration {}' }
    expect(await detect({ artisan: '', ...other })).toBe('laravel likely')
    expect(await detect(other)).toBe('undetected')
    expect(await detect({ [`${PATH}/20240101_a.php`]: '<?php class A extends AbstractMigration {}' })).toBe(
      'undetected',
    )
  })
})
