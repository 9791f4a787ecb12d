/** How a scenario of test/fixtures/ledgers was made: `recipe.yaml` beside its answer. */
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import * as z from 'zod'
import { stepSchema } from '../catalogue.ts'

export const FIXTURES = fileURLToPath(new URL('../../fixtures/ledgers/', import.meta.url))

const recipeSchema = z.strictObject({
  /** Files that the repository had before it became what the release is: path → text. */
  files: z.record(z.string(), z.string()).default({}),
  /** What happened, in a copy of `project/`: whatever `files` brought is to be gone at the end. */
  steps: z.array(stepSchema).min(1),
  /** What is asked of the tool in the end: its answer is tool-verdict.txt. It may end with any code. */
  verdict: z.string(),
  /** Which of the installs it is made with, where that is not the folder's tool as `installs.ts` has it: `drizzle-v1`. */
  installs: z.string().nullable().default(null),
  /** Other installs that have a part in it: each has its `node_modules` in `also/NAME`. */
  also: z.array(z.string()).default([]),
})

export interface Recipe extends Omit<z.output<typeof recipeSchema>, 'installs'> {
  readonly tool: string
  readonly installs: string
  /** `tool/scenario`. */
  readonly name: string
  readonly folder: string
}

/** @param wanted tools, installs, or `tool/scenario`; empty: all. Those without a recipe are made otherwise, and not among them. */
export async function listRecipes(wanted: readonly string[]): Promise<readonly Recipe[]> {
  const found: Recipe[] = []
  const tools = (await readdir(FIXTURES, { withFileTypes: true })).filter((entry) => entry.isDirectory())
  for (const { name: tool } of tools) {
    for (const scenario of (await readdir(join(FIXTURES, tool))).sort()) {
      const folder = join(FIXTURES, tool, scenario)
      const text = await readFile(join(folder, 'recipe.yaml'), 'utf8').catch(() => null)
      if (text === null) continue
      const read = readRecipe(`${tool}/${scenario}`, text)
      const recipe = { ...read, installs: read.installs ?? tool, tool, name: `${tool}/${scenario}`, folder }
      if (wanted.length === 0 || namesOf(recipe).some((name) => wanted.includes(name))) found.push(recipe)
    }
  }
  return found
}

/** Throws with the scenario's name: a listing reads them all. */
function readRecipe(name: string, text: string): z.output<typeof recipeSchema> {
  const read = recipeSchema.safeParse(parse(text))
  if (!read.success) throw new Error(`${name}/recipe.yaml: ${z.prettifyError(read.error)}`)
  return read.data
}

/** What it is chosen by. */
function namesOf({ tool, installs, name }: Recipe): readonly string[] {
  return [tool, installs, name]
}
