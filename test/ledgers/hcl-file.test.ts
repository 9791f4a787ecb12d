import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { HclBlock } from '../../functions/ledgers/hcl-file.ts'
import { hclWord, parseHcl } from '../../functions/ledgers/hcl-file.ts'
import { splitAtDelimiter } from '../../functions/ledgers/sql-statements.ts'

const word = (block: HclBlock | undefined, key: string): string | undefined => hclWord(block?.attributes.get(key))

describe('HCL', () => {
  test('blocks in blocks, with labels; attributes as they are written', () => {
    const { blocks, attributes } = parseHcl(`
      // one
      top = "x" # two
      /* env "no" {} */
      env "prod" "b" {
        url = "postgres://\${getenv("HOST")}/db?search_path=\${var.schema}" // three
        schemas = [
          "a", # }
          "b",
        ]
        format {
          migrate { apply = jsonencode({ a = "}" }) }
        }
        text = <<-EOT
          dir = "file://no" }
          EOT
        migration {
          dir = "file://a \\"b\\""
          exec_order = NON_LINEAR
        }
      }
      env { name = atlas.env }`)
    expect(word({ type: '', labels: [], attributes, blocks: [] }, 'top')).toBe('x')
    expect(blocks.map(({ type, labels }) => [type, ...labels])).toEqual([['env', 'prod', 'b'], ['env']])
    const [prod] = blocks
    expect([...(prod?.attributes.keys() ?? [])]).toEqual(['url', 'schemas', 'text'])
    // What is computed is no word.
    expect(word(prod, 'url')).toBeUndefined()
    const migration = prod?.blocks.find(({ type }) => type === 'migration')
    expect(word(migration, 'dir')).toBe('file://a "b"')
    expect(word(migration, 'exec_order')).toBe('NON_LINEAR')
    expect(blocks[1]?.attributes.get('name')).toBe('atlas.env')
  })

  test('any text is read to its end', () => {
    const pieces = fc.constantFrom(
      'env',
      ' ',
      '\n',
      '{',
      '}',
      '"',
      '${',
      '=',
      '<<EOT\n',
      'EOT',
      '#',
      '/*',
      '*/',
      '\\',
      '(',
      ']',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 60 }), (parts) => {
        expect(parseHcl(parts.join('')).type).toBe('')
      }),
    )
  })

  test('what was written is read', () => {
    const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/)
    const text = fc.string().filter((value) => !/[\\"\r\n]|[$%]\{/.test(value))
    fc.assert(
      fc.property(fc.dictionary(name, text, { noNullPrototype: true }), (values) => {
        const lines = Object.entries(values).map(([key, value]) => `  ${key} = "${value}"`)
        const [block] = parseHcl(`env "x" {\n${lines.join('\n')}\n}\n`).blocks
        const read = Object.keys(values).map((key) => [key, word(block, key)])
        expect(read).toEqual(Object.entries(values))
      }),
    )
  })
})

test('pieces between delimiters are whole, whatever stands in them, and know their lines', () => {
  const piece = fc.constantFrom(
    "SELECT 'a\n--x\n\n'",
    'SELECT $$b\n\n$$',
    'SELECT (\n\n1)',
    'SELECT 1 /* c\n\n */',
    'SELECT "d\n\n"',
    'SELECT 2',
  )
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), (pieces) => {
      const text = pieces.join('\n\n')
      const found = splitAtDelimiter(text, '\n\n', 1)
      expect(found.map(({ sql }) => sql)).toEqual(pieces)
      const lines = text.split('\n')
      for (const { sql, line } of found) expect(lines[line - 1]).toBe(sql.split('\n')[0])
    }),
  )
})
