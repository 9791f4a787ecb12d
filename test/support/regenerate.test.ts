import { expect, test } from 'vitest'
import { PACKAGES } from './regenerate/installs.ts'
import { FIXTURES, listRecipes } from './regenerate/recipe.ts'
import { access, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

test('recipes can be read, and are of tools that npm or PyPI offers', async () => {
  const recipes = await listRecipes([])
  expect(recipes.length).toBeGreaterThan(150)
  for (const { name, installs, also, steps } of recipes) {
    for (const one of [installs, ...also]) expect(Object.keys(PACKAGES), name).toContain(one)
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

test('another line of a tool is chosen by the name of its install, and by the tool’s', async () => {
  const names = async (wanted: string) => (await listRecipes([wanted])).map(({ name }) => name)
  expect(await names('drizzle-v1')).toContain('drizzle/v1-pending')
  expect(await names('drizzle-v1')).not.toContain('drizzle/two-pending')
  expect(await names('drizzle')).toEqual(expect.arrayContaining(['drizzle/v1-pending', 'drizzle/two-pending']))
})

async function foldersIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name)
}

/** The first cells of the table below `## Made otherwise`: tools, and `tool/scenario`. */
async function listMadeOtherwise(): Promise<readonly string[]> {
  const readme = await readFile(join(FIXTURES, 'README.md'), 'utf8')
  const section = readme.slice(readme.indexOf('## Made otherwise'))
  return [...section.matchAll(/^\| `([^`]+)` \|/gmu)].map(([, name = '']) => name)
}

test('every scenario has a recipe, or is listed with how it was made: one of the two', async () => {
  const recipes = new Set((await listRecipes([])).map(({ name }) => name))
  const listed = await listMadeOtherwise()
  const scenarios: string[] = []
  for (const tool of await foldersIn(FIXTURES)) {
    for (const scenario of await foldersIn(join(FIXTURES, tool))) scenarios.push(`${tool}/${scenario}`)
  }
  const isListed = (name: string): boolean => listed.includes(name) || listed.includes(name.replace(/\/.*/u, ''))
  expect(
    scenarios.filter((name) => !recipes.has(name) && !isListed(name)),
    'neither',
  ).toEqual([])
  expect(
    scenarios.filter((name) => recipes.has(name) && isListed(name)),
    'both',
  ).toEqual([])
  expect(
    listed.filter((name) => name.includes('/') && !scenarios.includes(name)),
    'no such scenario',
  ).toEqual([])
  // A tool that can be installed is not put off as a whole.
  expect(listed.filter((name) => name in PACKAGES)).toEqual([])
})
