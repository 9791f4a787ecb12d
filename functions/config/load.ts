/** Reads `deploywatch.yaml`: the file as it is, with the place of everything in it. */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { configSchema } from './config.ts'
import type { Config } from './config.ts'
import { inconsistencies } from './consistency.ts'
import { parseYaml } from './document.ts'
import type { YamlDocument } from './document.ts'
import { knownKeys, problemsOf } from './issues.ts'
import { ConfigError } from './problem.ts'
import type { Problem } from './problem.ts'

/**
 * A config with its file. `place(['queries', 0, 'sql'])` says where a value stands, `textPlace` where its text begins:
 * of SQL in a block scalar that is the line below the `|`.
 */
export interface LoadedConfig extends Pick<YamlDocument, 'place' | 'textPlace' | 'piecePlace'> {
  readonly config: Config
  /** As it was named, for messages. */
  readonly file: string
  /** The absolute folder of the file: what paths of the config are relative to. */
  readonly folder: string
}

/**
 * Reads a config. A relative path is taken from `cwd`.
 *
 * @throws {ConfigError} with every problem of the file.
 */
export async function loadConfig(path: string, cwd: string = process.cwd()): Promise<LoadedConfig> {
  const absolute = resolve(cwd, path)
  try {
    return parseConfig(await readFile(absolute, 'utf8'), path, dirname(absolute))
  } catch (error) {
    if (error instanceof ConfigError || !(error instanceof Error) || !('code' in error)) throw error
    throw new ConfigError([{ file: path, line: 0, column: 0, message: unreadable(String(error.code)) }])
  }
}

function unreadable(code: string): string {
  if (code === 'ENOENT')
    return 'there is no such file: run `npx deploywatch init` to write one, or name yours with --config FILE'
  if (code === 'EISDIR') return 'this is a folder: name the file in it with --config FILE'
  return `the file cannot be read (${code}): see who may read it, or name another with --config FILE`
}

/**
 * The config that a text says.
 *
 * @throws {ConfigError} with every problem of the text.
 */
export function parseConfig(text: string, file: string, folder: string): LoadedConfig {
  const document = parseYaml(text, file)
  if (!document.whole) throw new ConfigError(document.problems)
  if (document.value === null) throw new ConfigError([emptyFile(file)])
  const parsed = configSchema.safeParse(document.value, { error: knownKeys })
  const problems = [
    ...document.problems,
    ...(parsed.success ? [] : problemsOf(parsed.error.issues, document)),
    ...inconsistencies(document),
  ]
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems)
  const { place, textPlace, piecePlace } = document
  return { config: parsed.data, file, folder: resolve(folder), place, textPlace, piecePlace }
}

function emptyFile(file: string): Problem {
  return {
    file,
    line: 1,
    column: 1,
    message: 'the file is empty: begin with `service: NAME`, or run `npx deploywatch init --force`',
  }
}
