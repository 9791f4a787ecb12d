import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { classBody, itemsOf, scopeOf, stringsOf } from '../../functions/ledgers/python-scope.ts'
import { pythonStatements } from '../../functions/ledgers/python-source.ts'

const scope = (code: string) => scopeOf(pythonStatements(code))
const strings = (code: string, name = 'A') => stringsOf(scope(code).get(name))

describe('strings', () => {
  test.each([
    [`A = 'it''s' "one"`, 'itsone'],
    [String.raw`A = 'a\'b\x41\u00fc\q\\'`, "a'bAü\\q\\"],
    [String.raw`A = r'a\nb'`, String.raw`a\nb`],
    [`A = """two\nlines"""`, 'two\nlines'],
    [`A = 'a' \\\n    'b'`, 'ab'],
    [`A = (\n  'a'  # not this: "x"\n  'b'\n)`, 'ab'],
    [`A: Union[str, None] = "x"`, 'x'],
    [`B = A = u"x"`, 'x'],
    [`A = f"plain"`, 'plain'],
    [`x = 1; A = 'x'`, 'x'],
    [`A = 'x'\r\nB = 'y'\r\n`, 'x'],
    ['\uFEFFA = "x"', 'x'],
  ])('%j', (code, value) => {
    expect(strings(code)).toEqual([value])
  })

  test.each([
    'A = f"x{1}"',
    'A = "x" % 1',
    'A = "x".lower()',
    'A = b"x"',
    'A = x or "y"',
    'A = "a" if b else "c"',
    'A = -1',
  ])('%s is computed', (code) => {
    expect(strings(code)).toBeNull()
  })
})

describe('lists', () => {
  test.each([
    [`A = ['x', 'y',]`, ['x', 'y']],
    [`A = 'x', 'y'`, ['x', 'y']],
    [`A = ()`, []],
    [`A = None`, []],
    [`B = ['x']\nA = B + ['y']\n`, ['x', 'y']],
    [`B = ['x']\nA = ['a', *B, 'c']`, ['a', 'x', 'c']],
    [`A = ['x']\nA += ['y']\nA.append('z')\nA.extend(('u',))\nA.insert(0, 'v')`, ['x', 'y', 'z', 'u', 'v']],
    [`A = list(('x',))`, ['x']],
  ])('%j', (code, value) => {
    expect(strings(code)).toEqual(value)
  })

  test('what is taken away or computed leaves the rest, and says so', () => {
    for (const code of ["A = ['x'] + more()", "A = ['x']\nA.remove('y')", "A = ['x']\nA[0] = 'z'", "A = ['x', *B]"]) {
      const value = scope(code).get('A')
      expect(value === undefined ? null : itemsOf(value), code).toMatchObject({
        items: [{ value: 'x' }],
        computed: true,
      })
    }
  })

  test.each([
    ["A = ['x']\nif DEBUG:\n    A += ['y']", false],
    ["A = ['x']\nif D: A.append('y')", false],
    ["A = ['x']\nif D:\n    A = ['y']", true],
    ["A = ['x']\ntry:\n    A += ['y']\nexcept E:\n    pass", false],
  ])('what only a condition brings is told apart: %j', (code, computed) => {
    const value = scope(code).get('A')
    expect(value === undefined ? null : itemsOf(value)).toMatchObject({
      items: [{ value: 'x' }],
      maybe: [{ value: 'y' }],
      computed,
    })
    expect(strings(code)).toBeNull()
  })

  test('what a function or a class does to a name of its own is not the file’s', () => {
    expect(strings("A = ['x']\ndef f():\n    A = ['y']\nclass C:\n    A = ['z']\n")).toEqual(['x'])
  })
})

test('calls and names keep their form, and are no strings', () => {
  expect(strings("A = ['x', name()]")).toBeNull()
  expect(scope('A = [migrations.swappable_dependency(settings.AUTH_USER_MODEL), f(x=1)]').get('A')).toMatchObject({
    kind: 'list',
    items: [
      {
        kind: 'call',
        name: 'migrations.swappable_dependency',
        items: [{ kind: 'name', name: 'settings.AUTH_USER_MODEL' }],
      },
      { kind: 'call', name: 'f' },
    ],
  })
})

test('a dictionary has its entries, and what another one brings in cannot be read', () => {
  expect(scope("A = {'x': None, 'y': 'b.c', **D}").get('A')).toMatchObject({
    kind: 'dict',
    entries: [
      [{ value: 'x' }, { kind: 'none' }],
      [{ value: 'y' }, { value: 'b.c' }],
      [{ kind: 'computed' }, { kind: 'computed' }],
    ],
  })
})

test('a class’s body ends where the file goes on', () => {
  const code = 'class M(B):\n    """doc"""\n    a = 1\n    def f(self):\n        a = 2\n    b = "x"\nb = "y"\n'
  const found = classBody(pythonStatements(code), 'M')
  expect(stringsOf(scopeOf(found?.body ?? []).get('b'))).toEqual(['x'])
  expect(found?.line).toBe(1)
  expect(classBody(pythonStatements(code), 'N')).toBeNull()
})

test('lines are counted over strings, comments and continuations', () => {
  expect(scope('"""a\nb"""\n# c\nX = [\n  1,\n]\nA = (\n\n "x")\n').get('A')?.line).toBe(9)
})

test.each([
  'A = [1, 2',
  'A = {"x": [',
  'A = "x\nB = 1',
  'A = f(',
  ')))A = 1',
  'A = [}, ]',
  'A = (1, , 2)',
  '"""open',
  'A = *',
  'class',
  'A =',
])('of a broken text nothing is made up: %j', (code) => {
  expect(strings(code) ?? []).toEqual([])
})

const PIECES = [
  'A',
  ' = ',
  '[',
  ']',
  '(',
  ')',
  '{',
  '}',
  ',',
  ':',
  '"',
  "'",
  '"""',
  '\n',
  '    ',
  '#',
  '\\\\',
  '*',
  '+',
  '.',
  'x',
  'if ',
  'class ',
  'f"',
  '+=',
]

test('any text ends, and what is found in it stands in it', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }), (pieces) => {
      const code = pieces.join('')
      for (const value of scope(code).values()) {
        expect(value.line).toBeLessThanOrEqual(code.split('\n').length)
        for (const { kind } of itemsOf(value).items) expect(kind).not.toBe('rest')
      }
    }),
    { numRuns: 2000 },
  )
})

test('literals come out as they were put in', () => {
  const text = fc.string({ unit: 'binary', maxLength: 12 }).filter((one) => !one.includes('\r'))
  const written = (one: string): string =>
    `"${one.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
  fc.assert(
    fc.property(fc.array(text, { maxLength: 5 }), (items) => {
      expect(strings(`A = [${items.map(written).join(', ')}]\n`)).toEqual(items)
    }),
  )
})

test('brackets in each other, and additions to one name, by the thousand do no harm', () => {
  const deep = `A = ${'['.repeat(50_000)}${']'.repeat(50_000)}\nB = ${'f('.repeat(50_000)}\n`
  expect(scope(deep).get('A')).toMatchObject({ kind: 'list' })
  const long = `A = ['x']\n${"A += ['y']\n".repeat(3000)}`
  expect(strings(long)).toHaveLength(3001)
})

test('a long text takes time in proportion to it', () => {
  const code = `A = [\n${'    ("app", "0001_initial"),\n'.repeat(20_000)}]\n"""${'text '.repeat(100_000)}"""\n`
  const started = performance.now()
  expect(scope(code).get('A')).toMatchObject({ kind: 'list' })
  expect(performance.now() - started).toBeLessThan(5000)
})
