import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { detectTool } from '../../functions/ledgers/detection.ts'
import type { LedgerRow } from '../../functions/ledgers/ledger.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import { readMigrationClasses } from '../../functions/ledgers/typeorm-classes.ts'
import { typeorm } from '../../functions/ledgers/typeorm.ts'

type Files = Readonly<Record<string, string>>
const T = ['1741079702000', '1742307087000', '1744013382000'] as const
const classOf = (name: string, body = ''): string =>
  `export class ${name} implements MigrationInterface {${body}\n  async up(queryRunner: QueryRunner) {}\n}\n`
const discover = (files: Files, path = 'src/migrations') =>
  typeorm.discover(projectOf(files), { path, placeholders: {}, table: null })
const interpret = async (rows: readonly LedgerRow[], files: Files) =>
  typeorm.interpret({
    table: { schema: 'public', table: 'migrations', columns: {}, readable: true },
    rows,
    beside: [],
    migrations: (await discover(files)).migrations,
  })

describe('the name', () => {
  const namesOf = (text: string) => readMigrationClasses(text).map(({ name }) => name)

  test('is the class’s, and its property where it has one', () => {
    expect(namesOf(classOf(`A${T[0]}`))).toEqual([`A${T[0]}`])
    expect(namesOf(classOf('A', `\n  name = 'B${T[0]}'`))).toEqual([`B${T[0]}`])
    expect(namesOf(classOf('A', `\n  public readonly name: string = "B${T[0]}";`))).toEqual([`B${T[0]}`])
    expect(namesOf(classOf('A', `\n  get name() { return 'B${T[0]}' }`))).toEqual([`B${T[0]}`])
    expect(namesOf(classOf('Größe1741079702000'))).toEqual(['Größe1741079702000'])
  })

  test('of something inside of the class is not the class’s', () => {
    const body = `\n  async down(q) { const name = 'x'; const o = { name: 'y' }; this.name = 'z' }`
    expect(namesOf(classOf(`A${T[0]}`, body))).toEqual([`A${T[0]}`])
  })

  test('that is computed is not known', () => {
    expect(namesOf(classOf(`A${T[0]}`, '\n  name = nameOf(A)'))).toEqual([null])
    expect(namesOf(classOf(`A${T[0]}`, '\n  name = `A${stamp}`'))).toEqual([null])
    expect(namesOf('export default class { async up(q) {} }')).toEqual([null])
  })

  test('is found however the class is exported, and a class that is not is none', () => {
    const plain = `class A${T[0]} { async up(q) {} }\n`
    for (const way of [
      `exports.A${T[0]} = A${T[0]};`,
      `module.exports = A${T[0]}`,
      `module.exports = { A${T[0]} }`,
      `module.exports.A${T[0]} = A${T[0]}`,
      `export { B, A${T[0]} }`,
      `export default A${T[0]}`,
    ]) {
      expect(namesOf(`${plain}${way}\n`)).toEqual([`A${T[0]}`])
    }
    expect(namesOf(plain)).toEqual([])
    expect(namesOf(`exports.A${T[0]} = class { async up(q) {} }`)).toEqual([`A${T[0]}`])
    expect(namesOf(`export const A${T[0]} = class { async up(q) {} }\nexport { A${T[0]} }`)).toEqual([`A${T[0]}`])
  })

  test('in a comment, in SQL or in a class within another is none, also with CRLF', () => {
    const text = `// export class X${T[1]} {}\r\n/* export class Y${T[1]} { */\r\n${classOf(`A${T[0]}`, `\r\n  sql = \`export class Z${T[1]} {\``)}`
    expect(readMigrationClasses(text)).toEqual([{ name: `A${T[0]}`, line: 3 }])
  })
})

describe('any text', () => {
  /** What may stand between two classes, with words that look like one. */
  const filler = fc.constantFrom(
    '',
    '// export class Gone1741079702000 {',
    "/* export class Gone1741079702000 { name = 'x' } */",
    "const sql = 'export class Gone1741079702000 {'",
    'const text = `export class Gone1741079702000 { ${`a`} }`',
    'class Hidden1741079702000 { up() {} }',
    'function helper() { return { class: 1 } }',
  )
  const oneClass = fc.record({
    name: fc.integer({ min: 1, max: 99 }).map((n) => `A${n}x1741079702000`),
    property: fc.option(fc.integer({ min: 1, max: 99 }).map((n) => `P${n}x1742307087000`)),
    before: filler,
  })

  test('gives the names of the classes that it exports, and no other', () => {
    fc.assert(
      fc.property(fc.array(oneClass, { maxLength: 5 }), fc.constantFrom('\n', '\r\n'), (classes, line) => {
        const text = classes.map(({ name, property, before }) =>
          [before, classOf(name, property === null ? '' : `\n  name = '${property}'`)].join('\n'),
        )
        const found = readMigrationClasses(text.join('\n').replaceAll('\n', line))
        expect(found.map(({ name }) => name)).toEqual(classes.map(({ name, property }) => property ?? name))
      }),
    )
  })

  test('is read without an error, be it no JavaScript at all', () => {
    const parts = fc.constantFrom(
      'class',
      ' ',
      'A1741079702000',
      '{',
      '}',
      "'",
      '`',
      '${',
      '//',
      '/*',
      '\n',
      '=',
      'export',
      'name',
      'ü',
    )
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 60 }), (words) => {
        expect(Array.isArray(readMigrationClasses(words.join('')))).toBe(true)
      }),
    )
  })
})

test('several classes of a file are several migrations, in the order of their numbers, each with its line', async () => {
  const { migrations } = await discover({
    'src/migrations/a.ts': `${classOf(`Second${T[1]}`)}\n${classOf(`First${T[0]}`)}`,
    'src/migrations/0.ts': classOf(`Third${T[2]}`),
    'src/migrations/deeper/b.ts': classOf(`Other${T[2]}`),
    'src/migrations/a.d.ts': `export declare class Second${T[1]} {}`,
  })
  expect(migrations.map(({ key, line, file }) => [key, line, file])).toEqual([
    [`First${T[0]}`, 5, 'src/migrations/a.ts'],
    [`Second${T[1]}`, undefined, 'src/migrations/a.ts'],
    [`Third${T[2]}`, undefined, 'src/migrations/0.ts'],
  ])
})

describe('what TypeORM refuses to run with is a problem', () => {
  test('a class without a number, in its place', async () => {
    const { problems } = await discover({ 'src/migrations/a.ts': `\n\n${classOf('Base')}` })
    expect(problems).toEqual([
      { file: 'src/migrations/a.ts', line: 3, message: expect.stringMatching(/^Base does not end in/) as string },
    ])
  })

  test('two of one name, but not a source beside its own compilation', async () => {
    const files = { 'src/migrations/a.ts': classOf(`A${T[0]}`) }
    expect((await discover({ ...files, 'src/migrations/b.ts': classOf(`A${T[0]}`) })).problems).toHaveLength(1)
    expect((await discover({ ...files, 'src/migrations/a.js': classOf(`A${T[0]}`) })).problems).toEqual([])
  })

  test('a class that a quote in a regular expression hides is said, and none in a comment', async () => {
    const hidden = `const QUOTE = /[\`]/\n${classOf(`A${T[0]}`, '\n  sql = `SELECT 1`')}`
    const { problems } = await discover({ 'src/migrations/a.ts': hidden })
    expect(problems).toEqual([
      expect.objectContaining({ line: 2, message: expect.stringMatching(/^A\d+ looks like/) as string }),
    ])
    const comment = `/*\nexport class A${T[0]} {\n*/\n${classOf(`B${T[1]}`)}`
    expect((await discover({ 'src/migrations/a.ts': comment })).problems).toEqual([])
  })

  test('a computed name is said, since nobody else can know it', async () => {
    const { problems, migrations } = await discover({ 'src/migrations/a.ts': classOf(`A${T[0]}`, '\n  name = NAME') })
    expect(migrations).toEqual([])
    expect(problems).toEqual([expect.objectContaining({ message: expect.stringContaining('computed') as string })])
  })
})

test('rows are matched by the whole name and placed by their number; they tell no time', async () => {
  const files = { 'src/migrations/a.ts': classOf(`A${T[0]}`), 'src/migrations/b.ts': classOf(`B${T[2]}`) }
  const { applied } = await interpret([{ id: '1', timestamp: T[1], name: `Quoted "ü" ${T[1]}` }], files)
  expect(applied).toMatchObject([{ key: `Quoted "ü" ${T[1]}`, state: 'applied', at: null, place: 1 }])
})

describe('the data source', () => {
  const source = (options: string): string =>
    `export default new DataSource({ type: 'postgres', url: process.env.DATABASE_URL, ${options} })`
  const read = async (files: Files) => {
    const { table, notes, commands } = await discover({ 'src/migrations/a.ts': classOf(`A${T[0]}`), ...files })
    return { table, notes: notes.length, migrate: commands.migrate, addressIn: commands.addressIn }
  }
  const OWN = "migrations: [__dirname + '/migrations/*.js']"

  test('names table and schema, the file of the command and the variable of the address', async () => {
    const file = source(`${OWN}, migrationsTableName: 'log', schema: 'ops'`)
    expect(await read({ 'src/data-source.ts': file })).toEqual({
      table: { schema: 'ops', table: 'log' },
      notes: 0,
      migrate: 'npx typeorm migration:run -d dist/data-source.js',
      addressIn: 'DATABASE_URL',
    })
    expect(await read({ 'src/data-source.ts': source(OWN) })).toMatchObject({ table: null, notes: 0 })
  })

  test('is run as what the compiler makes of it where its patterns name JavaScript, else by ts-node', async () => {
    const files = {
      'src/data-source.ts': source(OWN),
      'tsconfig.json': '{ "compilerOptions": { "outDir": "./build" } }',
    }
    expect(await read(files)).toMatchObject({ migrate: 'npx typeorm migration:run -d build/data-source.js' })
    const both = source("migrations: [__dirname + '/migrations/*{.ts,.js}']")
    expect(await read({ 'src/data-source.ts': both })).toMatchObject({
      migrate: 'npx typeorm-ts-node-commonjs migration:run -d src/data-source.ts',
    })
  })

  test('is run by the script of package.json where there is one, and not by one that reverts', async () => {
    const scripts = { 'db:revert': 'typeorm migration:revert', 'db:up': 'npm run typeorm -- migration:run -d x.ts' }
    const files = { 'package.json': JSON.stringify({ scripts }), 'src/data-source.ts': source(OWN) }
    expect(await read(files)).toMatchObject({ migrate: 'npm run db:up' })
  })

  test('of these migrations is told from another’s by its patterns', async () => {
    const files = {
      'src/data-source.ts': source(`migrationsTableName: 'own', migrations: ['dist/migrations/**/*{.js,.ts}']`),
      'src/audit/data-source.ts': source(
        `migrationsTableName: 'audit', migrations: [join(__dirname, 'migrations', '*.js')]`,
      ),
    }
    expect(await read(files)).toMatchObject({ table: { schema: null, table: 'own' }, notes: 0 })
  })

  test('that computes its table, or of which several fit with different ones, is asked about', async () => {
    const own = (name: string): string => source(`${OWN}, migrationsTableName: ${name}`)
    expect(await read({ 'src/data-source.ts': own('process.env.T') })).toMatchObject({ table: null, notes: 1 })
    const two = { 'src/data-source.ts': own("'a'"), 'src/database.ts': own("'b'") }
    expect(await read(two)).toMatchObject({ table: null, notes: 1 })
    const same = { 'src/data-source.ts': own("'a'"), 'src/database.ts': own("'a'") }
    expect(await read(same)).toMatchObject({ table: { schema: null, table: 'a' }, notes: 0 })
  })

  test('may have its options elsewhere in the file', async () => {
    const spread = `const base = { migrationsTableName: 'log' }\n${source(`...base, ${OWN}`)}`
    expect(await read({ 'src/data-source.ts': spread })).toMatchObject({ table: { schema: null, table: 'log' } })
    const named = `const options: DataSourceOptions = { ${OWN}, schema: 'ops' }\nexport default new DataSource(options)`
    expect(await read({ 'src/data-source.ts': named })).toMatchObject({ table: { schema: 'ops', table: 'migrations' } })
  })

  test('of a workspace is run in its folder', async () => {
    const files = {
      'apps/api/package.json': '{}',
      'apps/api/src/data-source.ts': source(OWN),
      'apps/api/src/migrations/a.ts': classOf(`A${T[0]}`),
    }
    const { commands } = await discover(files, 'apps/api/src/migrations')
    expect(commands.migrate).toBe('cd apps/api && npx typeorm migration:run -d dist/data-source.js')
  })

  test('whose patterns lead below the folder takes the files there too', async () => {
    const files = {
      'src/data-source.ts': source("migrations: [__dirname + '/migrations/**/*.js']"),
      'src/migrations/2025/a.ts': classOf(`A${T[0]}`),
    }
    expect((await discover(files)).migrations).toHaveLength(1)
  })
})

describe('the folder', () => {
  const detect = async (files: Files) => {
    const found = await detectTool(projectOf(files), 'migrations', null)
    return 'problem' in found ? found.problem : { tool: found.tool.name, confidence: found.detection.confidence }
  }
  const depends = (...names: readonly string[]): Files => ({
    'package.json': JSON.stringify({ dependencies: Object.fromEntries(names.map((name) => [name, '*'])) }),
  })

  test('is told by the classes, and with certainty by package.json', async () => {
    const files = { 'migrations/a.ts': classOf(`A${T[0]}`) }
    expect(await detect(files)).toEqual({ tool: 'typeorm', confidence: 'likely' })
    expect(await detect({ ...files, ...depends('typeorm', 'knex'), 'knexfile.js': '' })).toEqual({
      tool: 'typeorm',
      confidence: 'certain',
    })
  })

  test('of MikroORM, whose classes end in numbers too, is not taken for it', async () => {
    const file =
      "import { Migration } from '@mikro-orm/migrations'\nexport class Migration20250304091502 extends Migration { async up() {} }"
    expect(await detect({ 'migrations/a.ts': file, ...depends('typeorm', '@mikro-orm/core') })).not.toMatchObject({
      tool: 'typeorm',
    })
  })

  test('of classes without numbers, or without exports, is not', async () => {
    expect(await detect({ 'migrations/a.ts': classOf('A'), ...depends('typeorm') })).toBe('undetected')
    expect(await detect({ 'migrations/a.ts': `class A${T[0]} {}`, ...depends('typeorm') })).toBe('undetected')
  })
})
