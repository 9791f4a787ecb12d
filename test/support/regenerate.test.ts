import { expect, test } from 'vitest'
import { PACKAGES } from './regenerate/installs.ts'
import { FIXTURES, listRecipes } from './regenerate/recipe.ts'
import { access } from 'node:fs/promises'
import { join } from 'node:path'

test('recipes can be read, and are of tools that npm or PyPI offers', async () => {
  const recipes = await listRecipes([])
  expect(recipes.length).toBeGreaterThan(20)
  for (const { name, tool, also, steps } of recipes) {
    for (const one of [tool, ...also]) expect(Object.keys(PACKAGES), name).toContain(one)
    // A copy would need a second database, which a scenario has not.
    expect(
      steps.filter((step) => 'copy' in step),
      name,
    ).toEqual([])
    await access(join(FIXTURES, name, 'target.sql'))
  }
})

test('a tool or a scenario is chosen by its name, and nothing else', async () => {
  const names = async (...wanted: readonly string[]) => (await listRecipes(wanted)).map(({ name }) => name)
  expect(await names('knex/rolled-back-batch')).toEqual(['knex/rolled-back-batch'])
  expect(await names('knex', 'dbmate/pending-at-end')).toEqual(
    expect.arrayContaining(['knex/rolled-back-batch', 'dbmate/pending-at-end']),
  )
  expect(await names('no-such-tool')).toEqual([])
})
