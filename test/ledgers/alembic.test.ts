import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import { alembic } from '../../functions/ledgers/alembic.ts'
import { readHeads } from '../../functions/ledgers/alembic-heads.ts'
import { detectTool } from '../../functions/ledgers/detection.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import { ledger } from '../core/builders.ts'

type Files = Readonly<Record<string, string>>
const INI = '[alembic]\nscript_location = %(here)s/alembic\n'
const revision = (id: string, down: string, rest = ''): string =>
  `from alembic import op\nrevision = '${id}'\ndown_revision = ${down}\n${rest}\ndef upgrade():\n    pass\n`
const LINE: Files = {
  'alembic/versions/a.py': revision('one', 'None'),
  'alembic/versions/b.py': revision('two', "'one'"),
  'alembic/versions/c.py': revision('three', "'two'"),
}
const discover = (files: Files, path = 'alembic/versions') =>
  alembic.discover(projectOf(files), { path, placeholders: {}, table: null })
const interpret = async (heads: readonly string[], files: Files = LINE) =>
  readHeads(heads, (await discover(files)).migrations, 'public.alembic_version')
const keysOf = (found: { readonly migrations: readonly { readonly key: string }[] }) =>
  found.migrations.map(({ key }) => key)

describe('revisions', () => {
  test('the variables decide, whatever the file is called, in the order of the graph', async () => {
    const { migrations, problems } = await discover({
      'alembic/versions/z_first.py': revision('one', 'None'),
      'alembic/versions/a_last.py': revision('merge', "(\n  'two', # a comment\n  'x',\n)"),
      'alembic/versions/m.py': `revision: str = "two"\ndown_revision: str | None = "one"\n`,
      'alembic/versions/n.py': "revision = 'x'\ndown_revision = ('one',)\n",
    })
    expect(problems).toEqual([])
    expect(migrations.map(({ key, after }) => [key, after])).toEqual([
      ['one', []],
      ['two', ['one']],
      ['x', ['one']],
      ['merge', ['two', 'x']],
    ])
    expect(migrations[3]).toMatchObject({ subject: 'a_last.py', file: 'alembic/versions/a_last.py', form: 'code' })
  })

  test('depends_on takes full ids and labels; a label is the revision that carries it', async () => {
    const files = {
      'alembic/versions/a.py': revision('aaaa', 'None', "branch_labels = ('base',)"),
      'alembic/versions/b.py': revision('bbbb', 'None', "depends_on = ['base', 'cccc']"),
      'alembic/versions/c.py': revision('cccc', "'aaaa'"),
    }
    const { migrations, problems } = await discover(files)
    expect(migrations.find(({ key }) => key === 'bbbb')?.after).toEqual(['aaaa', 'cccc'])
    expect(problems).toEqual([])
    const partial = await discover({ ...files, 'alembic/versions/b.py': revision('bbbb', 'None', "depends_on = 'cc'") })
    expect(partial.problems.map(({ message }) => message)).toEqual([
      'b.py stands on cc, which is no revision here, and Alembic refuses to start: bring its file back, or correct the id',
    ])
  })

  test('__init__.py, lock files of editors, other endings and deeper folders are none, unless they are recursive', async () => {
    const files = {
      ...LINE,
      'alembic/versions/__init__.py': '',
      'alembic/versions/.#d.py': revision('x', 'None'),
      'alembic/versions/README': '',
      'alembic/versions/2026/d.py': revision('four', "'three'"),
    }
    expect(keysOf(await discover({ ...files, 'alembic.ini': INI }))).toEqual(['one', 'two', 'three'])
    const found = await discover({ ...files, 'alembic.ini': `${INI}recursive_version_locations = true\n` })
    expect(keysOf(found)).toEqual(['one', 'two', 'three', 'four'])
    expect(found.migrations[3]?.subject).toBe('2026/d.py')
  })

  test('a file without a revision is a problem, and one from before Alembic 0.2 is called by its name', async () => {
    const { migrations, problems } = await discover({
      ...LINE,
      'alembic/versions/notes.py': 'x = 1\n',
      'alembic/versions/4f0.py': "down_revision = 'three'\n",
    })
    expect(migrations.at(-1)?.key).toBe('4f0')
    expect(problems).toMatchObject([{ file: 'alembic/versions/notes.py', line: 1 }])
  })

  test.each([
    ['computed', { 'alembic/versions/d.py': "revision = 'four'\n\ndown_revision = name()\n" }, 'is computed'],
    ['of an absent parent', { 'alembic/versions/d.py': revision('four', "'gone'") }, 'stands on gone'],
    ['of a revision that two files have', { 'alembic/versions/d.py': revision('three', "'one'") }, 'is in alembic'],
    ['in a circle', { 'alembic/versions/a.py': revision('one', "'three'") }, 'in a circle'],
  ])('a graph %s is a problem, and what it leaves untold is neither missing nor a pass', async (_, files, message) => {
    const all: Files = { ...LINE, ...files }
    expect((await discover(all)).problems.map((problem) => problem.message).join()).toContain(message)
    const { applied, unclear } = await interpret(['four'], all)
    expect(applied).toMatchObject([{ key: 'four' }])
    expect(unclear?.keys).toEqual(expect.arrayContaining(['one', 'two', 'three']))
  })

  test('a conflict marker or half a file does no harm', async () => {
    const broken = "revision = 'two'\n<<<<<<< HEAD\ndown_revision = 'one'\n=======\ndown_revision = 'zero'\n>>>>>>> b\n"
    expect(keysOf(await discover({ ...LINE, 'alembic/versions/b.py': broken }))).toContain('two')
    expect(keysOf(await discover({ 'alembic/versions/b.py': "revision = 'two'\ndown_revision = ('one'," }))).toEqual([
      'two',
    ])
  })
})

describe('heads', () => {
  test('all that a head stands on is assumed, what stands on it has not run', async () => {
    const { applied, unclear, highWaterMark } = await interpret(['two'])
    expect(applied.map(({ key, state, place }) => [key, state, place])).toEqual([
      ['one', 'assumed', 1],
      ['two', 'applied', 2],
    ])
    expect({ unclear, highWaterMark }).toEqual({ unclear: undefined, highWaterMark: false })
  })

  test('no row is the base: nothing has run', async () => {
    expect(await interpret([])).toMatchObject({ applied: [], unclear: undefined })
  })

  test('a row that the release does not know tells nothing of its revisions', async () => {
    const { applied, unclear, notes } = await interpret(['zzz'])
    expect(applied).toMatchObject([{ key: 'zzz', place: 3 }])
    expect(unclear).toMatchObject({
      keys: ['one', 'two', 'three'],
      why: 'public.alembic_version has zzz, which the release does not know, and keeps nothing of what ran before',
      nextStep: { command: 'git log --all --oneline -S zzz' },
    })
    expect(notes).toEqual([
      'Alembic with this release refuses to run while public.alembic_version has zzz: it cannot locate it',
    ])
  })

  test('unless the release’s head is a row too, or what lacks stands on a row', async () => {
    expect((await interpret(['three', 'zzz'])).unclear).toBeUndefined()
    expect((await interpret(['two', 'zzz'])).unclear).toBeUndefined()
  })

  test('a branch that no row tells of stays untold', async () => {
    const files = { ...LINE, 'alembic/versions/d.py': revision('x', "'one'") }
    expect((await interpret(['three', 'zzz'], files)).unclear?.keys).toEqual(['x'])
  })

  test('a merge counts both branches by its one row; before it has run, each branch by its own, and a late one still runs', async () => {
    const files = {
      ...LINE,
      'alembic/versions/d.py': revision('side', "'one'"),
      'alembic/versions/e.py': revision('merged', "('three', 'side')"),
    }
    const judge = async (...heads: readonly string[]) => {
      const { migrations, late, commands } = await discover(files)
      const reading = { ...readHeads(heads, migrations, 't'), table: 't', tool: 'alembic', recognisedBy: 'it is' }
      const compared = compareLedger(ledger(migrations, { late, commands }), { ledger: 'default', reading })
      return compared.findings.map(({ code, subject, nextSteps }) => [code, subject, nextSteps[0]?.command])
    }
    expect(await judge('merged')).toEqual([])
    expect(await judge('three', 'side')).toEqual([['migration-missing', 'e.py', 'alembic upgrade head']])
    expect(await judge('three')).toEqual([
      ['migration-missing', 'd.py', 'alembic upgrade head'],
      ['migration-missing', 'e.py', 'alembic upgrade head'],
    ])
  })

  test('depends_on takes the row of what it names: the other line counts by it', async () => {
    const files = {
      ...LINE,
      'alembic/versions/x.py': revision('other', 'None'),
      'alembic/versions/y.py': revision('top', "'three'", "depends_on = 'other'"),
    }
    expect((await interpret(['top'], files)).applied.map(({ key }) => key).toSorted()).toEqual([
      'one',
      'other',
      'three',
      'top',
      'two',
    ])
  })

  test('in any graph, heads count all that they stand on once, in order, and nothing else', () => {
    const graphs = fc.array(fc.array(fc.nat(15), { maxLength: 2 }), { maxLength: 15 }).map((nodes) =>
      nodes.map((parents, at) => ({
        subject: String(at),
        key: String(at),
        kind: 'versioned' as const,
        file: '',
        checksums: [],
        digest: '',
        form: 'code' as const,
        after: [...new Set(parents)].filter((parent) => parent < at).map(String),
      })),
    )
    fc.assert(
      fc.property(graphs, fc.array(fc.nat(15), { maxLength: 3 }), (migrations, picked) => {
        const heads = [...new Set(picked)].filter((head) => head < migrations.length).map(String)
        const { applied } = readHeads(heads, migrations, 't')
        const keys = new Set(applied.map(({ key }) => key))
        expect(keys.size).toBe(applied.length)
        for (const { key, after } of migrations) {
          const wanted =
            heads.includes(key) || migrations.some((other) => keys.has(other.key) && other.after.includes(key))
          expect(keys.has(key)).toBe(wanted)
          if (keys.has(key)) for (const parent of after) expect(keys.has(parent)).toBe(true)
        }
      }),
    )
  })
})

describe('settings', () => {
  const at = async (files: Files, path: string) => keysOf(await discover(files, path))

  test.each(['alembic', 'alembic/versions', './alembic/versions/', '.'])('%s is told by alembic.ini', async (path) => {
    expect(await at({ ...LINE, 'alembic.ini': INI }, path)).toEqual(['one', 'two', 'three'])
  })

  test.each([
    'version_locations = %(here)s/x/versions:%(here)s/alembic/versions\npath_separator = os',
    'version_locations = x/versions alembic/versions',
    'version_locations = x/versions, alembic/versions',
    'version_locations =\n    x/versions\n    alembic/versions\npath_separator = newline',
    'places = x/versions;alembic/versions\nversion_locations = %(places)s\nversion_path_separator = ;',
  ])('several locations are one graph: %j', async (locations) => {
    const files = { ...LINE, 'x/versions/d.py': revision('four', "'three'"), 'alembic.ini': `${INI}${locations}\n` }
    for (const path of ['alembic/versions', 'x/versions', 'alembic']) {
      expect(await at(files, path)).toEqual(['one', 'two', 'three', 'four'])
    }
  })

  test('a section of another name goes with -n, and a package is looked for where Python would', async () => {
    const ini =
      '[alembic]\nscript_location = other\n[billing]\nprepend_sys_path = src\nscript_location = shop.billing:db\n'
    const files = { 'alembic.ini': ini, 'src/shop/billing/db/versions/a.py': revision('b1', 'None') }
    const { commands, migrations } = await discover(files, 'src/shop/billing/db')
    expect(migrations).toHaveLength(1)
    expect(commands.migrate).toBe('alembic -n billing upgrade head')
  })

  test.each([
    ['api/alembic.ini', 'script_location = api/alembic', 'alembic -c api/alembic.ini upgrade head'],
    ['api/alembic.ini', 'script_location = alembic', 'cd api && alembic upgrade head'],
    ['api/conf/alembic.ini', 'script_location = %(here)s/../alembic', 'cd api/conf && alembic upgrade head'],
    ['api/conf/alembic.ini', 'script_location = alembic', 'cd api && alembic -c conf/alembic.ini upgrade head'],
  ])('%s with %s: relative paths begin where Alembic is run', async (ini, location, command) => {
    const files = { [ini]: `[alembic]\n${location}\n`, 'api/alembic/versions/a.py': revision('one', 'None') }
    for (const path of [
      ini.replace('/alembic.ini', ''),
      ...(ini.startsWith('api/conf') ? [] : ['api/alembic/versions']),
    ]) {
      const found = await discover(files, path)
      expect(found.commands.migrate).toBe(command)
      expect(keysOf(found)).toEqual(['one'])
    }
  })

  test('an alembic.ini of other folders says nothing of this one', async () => {
    const files = { 'alembic.ini': INI, 'jobs/db/versions/a.py': revision('j1', 'None') }
    const { commands, notes } = await discover(files, 'jobs/db/versions')
    expect(commands.migrate).toBe('alembic upgrade head')
    expect(notes).toEqual([expect.stringContaining('no alembic.ini or pyproject.toml speaks of jobs/db/versions')])
  })

  test('commands run where alembic.ini is, and name every head where there are several', async () => {
    const files = {
      'back end/alembic.ini': INI,
      'back end/alembic/versions/a.py': revision('one', 'None'),
      'back end/alembic/versions/b.py': revision('x', 'None'),
      'back end/alembic/env.py': 'import os\nurl = os.environ["APP_DATABASE_URL"]\nh = os.getenv("HOST")\n',
    }
    const { commands, notes } = await discover(files, 'back end/alembic')
    expect(commands).toEqual({
      addressIn: 'APP_DATABASE_URL',
      migrate: "cd 'back end' && alembic upgrade heads",
      migrateLate: "cd 'back end' && alembic upgrade heads",
      repair: null,
      record: null,
    })
    expect(notes).toEqual([expect.stringContaining('2 heads (one, x)')])
  })

  test('a line can be stamped; to stamp one of several heads would take the others’ rows away', async () => {
    expect((await discover({ ...LINE, 'alembic.ini': INI })).commands.record).toEqual({
      command: 'alembic stamp KEY',
      each: false,
    })
  })

  test.each([
    ['migrations', 'flask db upgrade', 'flask db stamp KEY'],
    ['svc/migrations', 'cd svc && flask db upgrade', 'cd svc && flask db stamp KEY'],
    ['db', 'flask db upgrade --directory db', 'flask db stamp --directory db KEY'],
  ])('Flask-Migrate in %s: its ini file has no script_location', async (folder, migrate, record) => {
    const files = { [`${folder}/alembic.ini`]: '[alembic]\n', [`${folder}/versions/a.py`]: revision('a', 'None') }
    const { commands } = await discover(files, folder)
    expect(commands).toMatchObject({ migrate, record: { command: record } })
  })

  test.each([
    [`context.configure(version_table='log', version_table_schema="ops")`, { schema: 'ops', table: 'log' }, 0],
    [`NAME = 'log'\ncontext.configure(\n  version_table=NAME,\n)`, { schema: null, table: 'log' }, 0],
    [`context.configure(version_table=config.get_main_option("vt"))`, { schema: null, table: 'of_ini' }, 0],
    [`context.configure(version_table_schema='ops')`, { schema: 'ops', table: 'alembic_version' }, 0],
    [`def run():\n  with x:\n    context.configure(connection=c, **conf_args)`, null, 0],
    [`context.configure(version_table=f'{x}_log')`, null, 1],
    [`context.configure(version_table='a')\ncontext.configure(version_table='b')`, null, 1],
  ])('the table of %j', async (env, table, notes) => {
    const files = { ...LINE, 'alembic.ini': `${INI}vt = of_ini\n`, 'alembic/env.py': env }
    expect(await discover(files)).toMatchObject({ table, notes: { length: notes } })
  })
})

describe('told from others', () => {
  const detect = (files: Files, path = 'db') => alembic.detect(projectOf(files), path)

  test('revisions without a config file are Alembic’s where they import it, and only likely where they do not', async () => {
    expect(await detect({ 'db/a.py': revision('a', 'None') })).toMatchObject({ confidence: 'certain' })
    expect(await detect({ 'db/a.py': "revision = 'a'\ndown_revision = None\n" })).toMatchObject({
      confidence: 'likely',
    })
    expect(
      await detect({ 'db/a.py': 'x = "down_revision = None"\n', 'alembic.ini': '[alembic]\nscript_location = db\n' }),
    ).toBeNull()
  })

  test('Django’s migrations are none of Alembic’s', async () => {
    const django = 'from django.db import migrations\nclass Migration(migrations.Migration):\n    dependencies = []\n'
    expect(
      await detect({ 'db/migrations/0001_initial.py': django, 'db/migrations/__init__.py': '' }, 'db/migrations'),
    ).toBeNull()
  })

  test('an Alembic folder in a JavaScript repository is Alembic’s alone', async () => {
    const files = { ...LINE, 'alembic.ini': INI, 'package.json': '{"dependencies":{"knex":"3","typeorm":"1"}}' }
    expect(await detectTool(projectOf(files), 'alembic/versions', null)).toMatchObject({ tool: { name: 'alembic' } })
  })

  test.each([
    [{ version_num: 'character varying(32)' }, true],
    [{ version_num: 'varchar(32)' }, true],
    [{ version_num: 'character varying(32)', note: 'text' }, false],
    [{ version_num: 'bigint' }, false],
    [{}, false],
  ])('a table of %j', (columns, own) => {
    const table = { schema: 'public', table: 'alembic_version', columns, readable: true }
    expect(alembic.recognise(table, []) !== null).toBe(own)
  })
})
