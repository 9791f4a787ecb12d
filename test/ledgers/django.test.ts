import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { django } from '../../functions/ledgers/django.ts'
import { detectTool } from '../../functions/ledgers/detection.ts'
import { openProject, projectOf } from '../../functions/ledgers/project-files.ts'

type Files = Readonly<Record<string, string>>
const migration = (dependencies: string, rest = ''): string =>
  `from django.conf import settings\nfrom django.db import migrations\n\n\nclass Migration(migrations.Migration):\n${rest}    dependencies = ${dependencies}\n    operations = []\n`
const app = (folder: string, migrations: Files): Files => ({
  [`${folder}/__init__.py`]: '',
  [`${folder}/migrations/__init__.py`]: '',
  ...Object.fromEntries(Object.entries(migrations).map(([name, text]) => [`${folder}/migrations/${name}.py`, text])),
})
const project = (installed: string, ...files: readonly Files[]): Files => ({
  'manage.py': 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "site.settings")\n',
  'site/settings.py': `${installed}\n`,
  ...Object.assign({}, ...files),
})
const SHOP = app('shop', { '0001_initial': migration('[]'), '0002_price': migration('[("shop", "0001_initial")]') })
const discover = (files: Files, path = '.') =>
  django.discover(projectOf(files), { path, placeholders: {}, table: null })
const keysOf = async (files: Files, path = '.') => (await discover(files, path)).migrations.map(({ key }) => key)
const interpret = async (rows: readonly string[], files: Files) =>
  django.interpret({
    table: { schema: 'public', table: 'django_migrations', columns: {}, readable: true },
    rows: rows.map((key, id) => {
      const [app = '', name = ''] = key.split('.')
      return { id: String(id), app, name, applied: '2026-01-02 03:04:05.678901+00' }
    }),
    beside: [],
    migrations: (await discover(files)).migrations,
  })

describe('migrations', () => {
  test('order is the graph’s, over apps, with run_before; names say nothing', async () => {
    const files = project(
      'INSTALLED_APPS = ["shop", "old"]',
      app('shop', {
        z_first: migration('[]'),
        a_second: migration('[("shop", "z_first")]'),
      }),
      app('old', { m: migration('[("shop", "z_first")]', '    run_before = [("shop", "a_second")]\n') }),
    )
    const { migrations, problems } = await discover(files)
    expect(problems).toEqual([])
    expect(migrations.map(({ key, after }) => [key, after])).toEqual([
      ['shop.z_first', []],
      ['old.m', ['shop.z_first']],
      ['shop.a_second', ['old.m', 'shop.z_first']],
    ])
    expect(migrations[1]).toMatchObject({ subject: 'old.m', file: 'old/migrations/m.py', line: 5, form: 'code' })
  })

  test('names that begin with _ or ~ or have a dot, and packages, are none; a file without the class is a problem', async () => {
    const more = app('shop', {
      _x: migration('[]'),
      '~y': migration('[]'),
      'a.b': migration('[]'),
      '0003_none': 'x = 1',
    })
    const files = project('INSTALLED_APPS = ["shop"]', SHOP, more, { 'shop/migrations/sub/0001_a.py': migration('[]') })
    expect(await keysOf(files)).toEqual(['shop.0001_initial', 'shop.0002_price'])
    expect((await discover(files)).problems).toMatchObject([
      { file: 'shop/migrations/0003_none.py', message: expect.stringContaining('no class Migration') as string },
    ])
  })

  test('a folder without __init__.py is passed over, as Django does, and that is said', async () => {
    const { 'shop/migrations/__init__.py': _, ...files } = project('INSTALLED_APPS = ["shop"]', SHOP)
    const { migrations, problems } = await discover(files)
    expect(migrations).toEqual([])
    expect(problems).toMatchObject([
      { message: expect.stringContaining('shop/migrations has no __init__.py') as string },
    ])
  })

  test('__first__ and __latest__ are the first that stands on none of its app, and one on which none does', async () => {
    const files = project(
      'INSTALLED_APPS = ["shop", "old"]',
      SHOP,
      app('old', {
        a: migration('[("shop", "__latest__"), ("old", "__first__")]'),
        b: migration('(("shop", "__first__"),)'),
      }),
    )
    const after = new Map((await discover(files)).migrations.map((one) => [one.key, one.after]))
    expect([after.get('old.a'), after.get('old.b')]).toEqual([['shop.0002_price'], ['shop.0001_initial']])
  })

  test('the user model is the settings’ own; without one it is auth’s', async () => {
    const users = app('users', { '0001_initial': migration('[]') })
    const bills = app('bills', {
      '0001_initial': migration('[migrations.swappable_dependency(settings.AUTH_USER_MODEL)]'),
    })
    const afterOf = async (settings: string) =>
      (await discover(project(settings, users, bills))).migrations.find(({ key }) => key === 'bills.0001_initial')
        ?.after
    expect(await afterOf('INSTALLED_APPS = ["users", "bills"]\nAUTH_USER_MODEL = "users.User"')).toEqual([
      'users.0001_initial',
    ])
    expect(await afterOf('INSTALLED_APPS = ["django.contrib.auth", "users", "bills"]')).toEqual(['auth.0001_initial'])
  })

  test.each([
    ['a parent that is gone', { '0003_x': migration('[("shop", "0002_gone")]') }, 'stands on shop.0002_gone'],
    ['computed dependencies', { '0003_x': migration('list_of()') }, '`dependencies` of shop.0003_x is computed'],
    ['a circle', { '0001_initial': migration('[("shop", "0002_price")]') }, 'in a circle'],
    ['two ends', { '0002_other': migration('[("shop", "0001_initial")]') }, 'makemigrations --merge'],
  ])('%s is a problem', async (_, more, message) => {
    const { problems } = await discover(project('INSTALLED_APPS = ["shop"]', SHOP, app('shop', more)))
    expect(problems.map((problem) => problem.message).join()).toContain(message)
  })

  test('half a file is a migration all the same', async () => {
    const half =
      'from django.db import migrations\nclass Migration(migrations.Migration):\n    dependencies = [("shop", "0002'
    expect(await keysOf(project('INSTALLED_APPS = ["shop"]', SHOP, app('shop', { '0003_half': half })))).toContain(
      'shop.0003_half',
    )
  })
})

describe('apps', () => {
  const TWO = [SHOP, app('old', { '0001_initial': migration('[]') })] as const
  const OLD = 'old.0001_initial'

  test('an app that is not installed does not count, and is named', async () => {
    const files = project('INSTALLED_APPS = ["shop"]', ...TWO)
    expect(await keysOf(files)).not.toContain(OLD)
    expect((await discover(files)).notes).toEqual([
      'old/migrations is of no app in INSTALLED_APPS that can be read: not looked for',
    ])
  })

  test.each([
    ['LOCAL = ["old"]\nINSTALLED_APPS = ["shop"] + LOCAL'],
    ['INSTALLED_APPS = ("shop",)\nINSTALLED_APPS += ("old",)'],
    ['from .base import *\nINSTALLED_APPS += ["old"]'],
    ['from site.base import INSTALLED_APPS as BASE\nINSTALLED_APPS = [*BASE, "old"]'],
    ['INSTALLED_APPS = ["shop", "old.apps.OldConfig"]'],
  ])('%j', async (settings) => {
    const base = {
      'site/base.py': 'INSTALLED_APPS = ["shop"]\n',
      'old/apps.py': 'class OldConfig(AppConfig):\n    name = "old"\n',
    }
    expect(await keysOf(project(settings, ...TWO, base))).toContain(OLD)
  })

  test.each([
    ['class C(AppConfig):\n    name = "old"\n    label = "ledger"\n', 'ledger'],
    [
      'class A(AppConfig):\n    name = "old"\n    label = "a"\nclass B(AppConfig):\n    default = True\n    name = "old"\n    label = "b"\n',
      'b',
    ],
    [
      'class A(AppConfig):\n    name = "old"\n    label = "a"\nclass B(AppConfig):\n    default = False\n    name = "old"\n    label = "b"\n',
      'a',
    ],
    ['class A(AppConfig):\n    label = "a"\nclass B(AppConfig):\n    label = "b"\n', 'old'],
  ])('the label is what the one AppConfig says: %j', async (config, label) => {
    expect(await keysOf(project('INSTALLED_APPS = ["old"]', ...TWO, { 'old/apps.py': config }))).toEqual([
      `${label}.0001_initial`,
    ])
  })

  test('an app that is put on the path is found; one of a package is called through it', async () => {
    const files = project(
      'INSTALLED_APPS = ["shop"]',
      { 'apps/__init__.py': '' },
      app('apps/shop', { '0001_initial': migration('[]') }),
    )
    expect(await keysOf(files)).toEqual([])
    const manage =
      'import os, sys\nsys.path.insert(0, os.path.join(BASE, "apps"))\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "site.settings")\n'
    expect(await keysOf({ ...files, 'manage.py': manage })).toEqual(['shop.0001_initial'])
  })

  test('MIGRATION_MODULES decides where, of others’ apps too; None is none', async () => {
    const files = project(
      'INSTALLED_APPS = ["django.contrib.sites", "shop", "old"]\nMIGRATION_MODULES = {"sites": "site.of_sites", "shop": "site.of_shop", "old": None}',
      ...TWO,
      { 'site/of_sites/__init__.py': '', 'site/of_sites/0001_initial.py': migration('[]') },
      { 'site/of_shop/__init__.py': '', 'site/of_shop/0001_all.py': migration('[]') },
    )
    expect(await keysOf(files)).toEqual(['shop.0001_all', 'sites.0001_initial'])
  })

  test('of apps from elsewhere only the first of Django’s own, and what a dependency names, is known', async () => {
    const files = project(
      'INSTALLED_APPS = [\n  "django.contrib.auth",\n  "django.contrib.staticfiles",\n  "rest_framework",\n  "taggit",\n  "shop",\n]',
      app('shop', { '0001_initial': migration('[("taggit", "0005_auto"), ("contenttypes", "__latest__")]') }),
    )
    const { migrations, notes } = await discover(files)
    expect(migrations.map(({ key, file, line, after }) => [key, file, line, after])).toEqual([
      ['auth.0001_initial', 'site/settings.py', 2, undefined],
      ['taggit.0005_auto', 'shop/migrations/0001_initial.py', 6, undefined],
      ['shop.0001_initial', 'shop/migrations/0001_initial.py', 5, ['taggit.0005_auto']],
    ])
    expect(notes).toEqual([
      expect.stringContaining('migrations of django.contrib.auth, rest_framework, taggit') as string,
    ])
  })

  test('content types come first, then permissions: Django writes both after every run, with `--fake` too', async () => {
    const contrib = ['admin', 'sites', 'auth', 'contenttypes'].map((name) => `"django.contrib.${name}"`).join(', ')
    expect(await keysOf(project(`INSTALLED_APPS = [${contrib}, "shop"]`, SHOP))).toEqual([
      'contenttypes.0001_initial',
      'auth.0001_initial',
      'admin.0001_initial',
      'sites.0001_initial',
      'shop.0001_initial',
      'shop.0002_price',
    ])
  })

  test('what serves requests is run with decides, not what manage.py names for development', async () => {
    const files = project('INSTALLED_APPS = ["shop", "old"]', ...TWO, {
      'site/wsgi.py': 'os.environ["DJANGO_SETTINGS_MODULE"] = "site.production"\n',
      'site/production.py': 'INSTALLED_APPS = ["shop"]\n',
    })
    expect(await keysOf(files)).not.toContain(OLD)
  })

  test('a folder of one app stands for the whole project: its ledger is one', async () => {
    const files = project('INSTALLED_APPS = ["shop", "old"]', ...TWO)
    expect(await keysOf(files, 'shop/migrations')).toEqual(await keysOf(files))
  })

  describe('of which the settings do not tell whether they are installed', () => {
    test.each([
      ['computed', 'INSTALLED_APPS = names()'],
      ['computed in part', 'INSTALLED_APPS = ["shop"] + names()'],
      ['under a condition', 'INSTALLED_APPS = ["shop"]\nif DEBUG:\n    INSTALLED_APPS += ["old"]'],
      ['in a class', 'class Base:\n    INSTALLED_APPS = ["shop", "old"]'],
    ])('%s: unsure until one of its migrations has run', async (_, settings) => {
      const files = project(settings, ...TWO)
      const { unclear } = await interpret(['shop.0001_initial', 'shop.0002_price'], files)
      expect(unclear).toMatchObject({ keys: [OLD], why: expect.stringContaining('no row of old') as string })
      expect((await interpret(['shop.0001_initial', OLD], files)).unclear).toBeUndefined()
    })

    test('a condition that adds what is no app of the repository leaves no doubt', async () => {
      const files = project('INSTALLED_APPS = ["shop"]\nif DEBUG:\n    INSTALLED_APPS += ["debug_toolbar"]', ...TWO)
      expect(await keysOf(files)).not.toContain(OLD)
    })

    test('several manage.py below the folder: nothing says which settings count', async () => {
      const { 'manage.py': manage = '', ...rest } = project('INSTALLED_APPS = ["shop"]', SHOP)
      const { migrations, notes } = await discover({ ...rest, 'a/manage.py': manage, 'b/manage.py': manage })
      expect(migrations.every(({ doubt }) => doubt !== undefined)).toBe(true)
      expect(notes[0]).toContain('more than one below the folder')
    })
  })
})

describe('rows', () => {
  const files = project('INSTALLED_APPS = ["shop"]', SHOP)

  test('a row is an applied one, with its time; one of our app without a file is kept', async () => {
    const { applied, notes } = await interpret(['shop.0001_initial', 'shop.0009_gone'], files)
    expect(applied.map(({ key, place, at }) => [key, place, at])).toEqual([
      ['shop.0001_initial', 1, '2026-01-02T03:04:05.678Z'],
      ['shop.0009_gone', 2, '2026-01-02T03:04:05.678Z'],
    ])
    expect(notes).toEqual([])
  })

  test('rows of apps that the repository does not have are said, and are none of the release’s', async () => {
    const { applied, notes } = await interpret(['auth.0001_initial', 'auth.0002_x', 'shop.0001_initial'], files)
    expect(applied.map(({ key }) => key)).toEqual(['shop.0001_initial'])
    expect(notes).toEqual([
      '2 rows are of apps whose migrations the repository does not have (auth): they are not judged',
    ])
  })

  test('a squash’s row alone does not count, and what a squash replaces is known without its file', async () => {
    const replaces = '    replaces = [("shop", "0001_initial"), ("shop", "0002_price")]\n'
    const squashed = project('INSTALLED_APPS = ["shop"]', app('shop', { '0001_all': migration('[]', replaces) }))
    const alone = await interpret(['shop.0001_all'], squashed)
    expect(alone.applied).toEqual([])
    expect(alone.notes[0]).toContain('not all that it replaces')
    const old = await interpret(['shop.0001_initial', 'shop.0002_price', 'shop.0001_all'], squashed)
    expect(old.applied.map(({ key }) => key)).toEqual(['shop.0001_initial', 'shop.0002_price', 'shop.0001_all'])
  })

  test('types as MariaDB names them are Django’s too', () => {
    const table = { schema: 'app', table: 'django_migrations', readable: true }
    const columns = { id: 'bigint(20)', app: 'varchar(255)', name: 'varchar(255)', applied: 'datetime(6)' }
    expect(django.recognise({ ...table, columns }, [])).not.toBeNull()
    expect(django.recognise({ ...table, columns: { ...columns, id: 'int(11)' } }, [])).not.toBeNull()
    expect(django.recognise({ ...table, columns: { ...columns, applied: 'date' } }, [])).toBeNull()
    const more = { ...columns, note: 'text' }
    expect(django.recognise({ ...table, columns: more }, [])).not.toBeNull()
    expect(django.recognise({ ...table, table: 'features', columns: more }, [])).toBeNull()
  })
})

describe('commands', () => {
  test.each([
    ['os.environ["DATABASE_URL"]', 'DATABASE_URL'],
    ['env.db("APP_DATABASE_URL", default="sqlite:///x")', 'APP_DATABASE_URL'],
    ['dj_database_url.config(conn_max_age=600)', 'DATABASE_URL'],
    ['dj_database_url.config(env="PG_URL")', 'PG_URL'],
    ['env.db()', 'DATABASE_URL'],
    ['{"NAME": os.environ["DB_NAME"]}', null],
    ['[os.environ["A_DB_URL"], os.environ["B_DB_URL"]]', null],
    ['[env("DB_URL"), os.environ.get("REDIS_URL")]', 'DB_URL'],
    ['os.environ.get("REDIS_URL")', null],
    ['CACHE.get("DATABASE_URL")', null],
  ])('the address in %s', async (expression, addressIn) => {
    const settings = `INSTALLED_APPS = ["shop"]\nDATABASES = {"default": ${expression}}`
    expect((await discover(project(settings, SHOP))).commands.addressIn).toBe(addressIn)
  })

  test('they run manage.py where it is; there is none that runs a late one', async () => {
    const below = Object.fromEntries(
      Object.entries(project('INSTALLED_APPS = ["shop"]', SHOP)).map(([file, text]) => [`my svc/${file}`, text]),
    )
    const found = await discover(below, '.')
    expect(found.migrations).toHaveLength(2)
    expect(found).toMatchObject({
      late: 'refuses',
      commands: {
        migrate: "python 'my svc/manage.py' migrate",
        migrateLate: null,
        repair: null,
        record: { command: "python 'my svc/manage.py' migrate --fake PARTS", each: true },
      },
    })
  })
})

describe('told from others', () => {
  test('by its class and import, with manage.py or without; never by the folder’s name alone', async () => {
    expect(await django.detect(projectOf(SHOP), 'shop/migrations')).toMatchObject({ confidence: 'certain' })
    expect(await django.detect(projectOf(SHOP), '.')).toMatchObject({ confidence: 'certain' })
    const alembic = {
      'migrations/a.py': "from alembic import op\nrevision = 'a'\ndown_revision = None\n",
      'manage.py': '',
    }
    expect(await django.detect(projectOf(alembic), 'migrations')).toBeNull()
    expect(await detectTool(projectOf(alembic), 'migrations', null)).toMatchObject({ tool: { name: 'alembic' } })
  })

  test('a project that also has Alembic is told by the folder, and asked about where that is the same', async () => {
    const both = {
      ...project('INSTALLED_APPS = ["shop"]', SHOP),
      'alembic.ini': '[alembic]\nscript_location = etl\n',
      'etl/versions/a.py': "from alembic import op\nrevision = 'a'\ndown_revision = None\n",
    }
    expect(await detectTool(projectOf(both), 'etl', null)).toMatchObject({ tool: { name: 'alembic' } })
    expect(await detectTool(projectOf(both), 'shop', null)).toMatchObject({ tool: { name: 'django' } })
    expect(await detectTool(projectOf(both), '.', null)).toMatchObject({ problem: 'ambiguous' })
  })

  test('a project in an environment of its own: what is installed there is not the repository’s', async () => {
    const root = await mkdtemp(join(tmpdir(), 'deploywatch-django-'))
    const site = '.venv/lib/python3.12/site-packages/django/contrib/auth/migrations/0001_initial.py'
    const files = { ...project('INSTALLED_APPS = ["django.contrib.auth", "shop"]', SHOP), [site]: migration('[]') }
    try {
      for (const [file, text] of Object.entries(files)) {
        await mkdir(dirname(join(root, file)), { recursive: true })
        await writeFile(join(root, file), text)
      }
      const found = await django.discover(openProject(root), { path: '.', placeholders: {}, table: null })
      expect(found.migrations.map(({ file }) => file)).toEqual([
        'site/settings.py',
        'shop/migrations/0001_initial.py',
        'shop/migrations/0002_price.py',
      ])
    } finally {
      await rm(root, { recursive: true })
    }
  })
})
