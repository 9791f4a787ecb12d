/** What a script runs, in which order, under which conditions, and which failures it loses. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readable } from '../../functions/pipelines/opaque.ts'
import { newShell } from '../../functions/pipelines/shell-process.ts'
import { readScript, type ShellCommand } from '../../functions/pipelines/shell.ts'
import { repositoryOf } from '../../functions/pipelines/repository.ts'

function commandsOf(
  text: string,
  variables: Readonly<Record<string, string>> = {},
  errexit = true,
): readonly ShellCommand[] {
  const found: ShellCommand[] = []
  const shell = newShell({ variables: new Map(Object.entries(variables)), cwd: '.', errexit, pipefail: false })
  const place = (offset: number) => ({ file: 'x.sh', line: text.slice(0, offset).split('\n').length })
  const keep = (command: ShellCommand): readonly string[] => {
    found.push(command)
    return []
  }
  readScript({ text, place }, shell, keep, {
    guards: [],
    lapse: null,
    requires: [],
  })
  return found
}

const shown = (text: string, variables = {}, errexit = true): readonly string[] =>
  commandsOf(text, variables, errexit).map(({ words, guards, lapse }) =>
    [readable(words.join(' ')), ...guards.map((guard) => `if ${guard.text}`), ...(lapse === null ? [] : ['lost'])].join(
      '; ',
    ),
  )

test.each([
  ['quotes and continued lines', 'a "b c" \\\n d\'e\'', ['a b c de']],
  ['a handler that ends it', 'm || exit 1\nd', ['m', 'd']],
  ['a handler that does not', 'm || true\nd', ['m; lost', 'true; if m failed', 'd']],
  ['a command before &&', 'm && e\nd', ['m; lost', 'e', 'd']],
  ['the last command of all', 'm && e', ['m', 'e']],
  ['a pipe', 'm | tee x\nd', ['m; lost', 'tee x', 'd']],
  ['a pipe under pipefail', 'set -o pipefail\nm | tee x\nd', ['m', 'tee x', 'd']],
  ['set +e', 'set +e\nm\nd', ['m; lost', 'd']],
  ['the background', 'm &\nd', ['m; lost', 'd']],
  ['a test', '[ -n "$X" ] && m\nd', ['[ -n <X> ]; lost', 'm; if [ -n "$X" ]', 'd']],
  ['an if that ends it', 'if ! m; then exit 1; fi\nd', ['m', 'd']],
  ['an if that does not', 'if m; then e; fi\nd', ['m; lost', 'e', 'd']],
  ['an early end', 'if [ -f x ]; then exit 0; fi\nm', ['[ -f x ]; lost', 'm; if not [ -f x ]']],
  ['a function', 'f() { m "$1"; }\nf a', ['m a']],
  ['a loop over words', 'for e in a b; do m $e; done', ['m a', 'm b']],
  ['a loop until it works', 'until m; do sleep 1; done\nd', ['m', 'sleep 1', 'd']],
  ['a substitution whose status counts', 'x=$(m)\nd', ['m', 'd']],
  ['a substitution whose status is lost', 'echo "$(m)"\nd', ['m; lost', 'echo <_m_>', 'd']],
  ['comments and heredocs', '# m\ncat <<E\nm\nE\nd', ['cat', 'd']],
])('%s', (_, text, expected) => {
  expect(shown(text)).toEqual(expected)
})

test('what is known decides', () => {
  expect(shown('case "$E" in a) m ;; *) n ;; esac', { E: 'a' })).toEqual(['m'])
  expect(shown('if [[ $E == b ]]; then m; else n; fi', { E: 'a' })).toEqual(['n'])
  expect(shown('case "$E" in a) m ;; esac')).toEqual(['m; if "$E" is a'])
  expect(shown('$C', { C: 'npx prisma migrate' })).toEqual(['npx prisma migrate'])
  // What one branch alone sets is not known afterwards.
  expect(shown('if [ -f x ]; then E=a; fi\nm $E', { E: 'b' }).at(-1)).toBe('m <E>')
})

test('without set -e only the last command counts', () => {
  expect(shown('m\nd', {}, false)).toEqual(['m; lost', 'd'])
})

/** Under `set -e` the commands of a plain script all count, in their order, whatever stands around them. */
test('plain scripts come out as they are, any text without a crash', () => {
  const word = fc
    .stringMatching(/^[a-z]{1,6}$/u)
    .filter(
      (text) =>
        !/^(?:if|fi|do|done|in|for|case|esac|then|else|elif|while|until|time|set|cd|exit|return|unset|export|local|declare|readonly|pushd|function|select|coproc)$/u.test(
          text,
        ),
    )
  const runs = { numRuns: Number(process.env['DEPLOYWATCH_PROPERTY_RUNS'] ?? 100) }
  const command = fc.array(word, { minLength: 1, maxLength: 3 })
  const around = fc.constantFrom(
    (text: string) => text,
    (text: string) => `( ${text} )`,
    (text: string) => `{ ${text}; }`,
    (text: string) => `${text} # x`,
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(command, around), { minLength: 1, maxLength: 6 }), (lines) => {
      const text = lines.map(([words, wrap]) => wrap(words.join(' '))).join('\n')
      expect(shown(text)).toEqual(lines.map(([words]) => words.join(' ')))
    }),
    runs,
  )
  fc.assert(
    fc.property(fc.string({ maxLength: 80 }), (text) => void commandsOf(text)),
    runs,
  )
})

test('a repository does not read outside of itself', () => {
  const repository = repositoryOf({ 'a/b.sh': 'x' })
  const read = (path: string) => repository.read(path)
  expect([read('./a/../a/b.sh'), read('../a/b.sh'), read('/a/b.sh')]).toEqual(['x', null, 'x'])
})
