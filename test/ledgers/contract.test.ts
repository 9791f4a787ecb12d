/** Every ledger tool through the one suite: a file each in contracts/. */
import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { LEDGER_TOOLS } from '../../functions/ledgers/index.ts'
import { LEDGER_READERS } from '../../functions/ledgers/readers.ts'
import type { LedgerContract } from '../contracts/ledger.ts'
import { testLedger } from '../contracts/ledger.ts'
import { FAMILIES } from '../support/scenarios.ts'

const CONTRACTS = await Promise.all(
  LEDGER_TOOLS.map(
    async ({ name }) => ((await import(`./contracts/${name}.ts`)) as { readonly contract: LedgerContract }).contract,
  ),
)

test('the lists, the contracts, the scenarios and the fixture folders agree', async () => {
  const names = LEDGER_TOOLS.map(({ name }) => name).sort()
  expect(LEDGER_READERS.map(({ name }) => name).sort()).toEqual(names)
  expect(CONTRACTS.map(({ tool }) => tool.name).sort()).toEqual(names)
  expect(Object.values(FAMILIES).flat().sort()).toEqual(names)
  for (const family of Object.keys(FAMILIES)) {
    const file = new URL(`../journeys/scenarios-${family}.test.ts`, import.meta.url)
    expect(await readFile(file, 'utf8')).toContain(`scenariosOf('${family}')`)
  }
  const folders = await readdir(new URL('../fixtures/ledgers/', import.meta.url), { withFileTypes: true })
  expect(
    folders
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort(),
  ).toEqual(names)
  const files = await readdir(new URL('../../functions/ledgers/', import.meta.url))
  for (const name of names) expect(files).toContain(`${name}.ts`)
})

test('every tool is made behind a PURE mark, so that a function in production leaves its files’ side out', async () => {
  for (const { name } of LEDGER_TOOLS) {
    const file = new URL(`../../functions/ledgers/${name}.ts`, import.meta.url)
    expect(await readFile(file, 'utf8'), name).toContain('= /* @__PURE__ */ defineTool(')
  }
})

for (const contract of CONTRACTS) testLedger(contract)
