/** The licences of what is bundled into dist/: they ask to be kept with every copy. */
import type { Metafile } from 'esbuild'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Folders of the packages that a bundle took files from, by their innermost node_modules. */
export function bundledPackages({ inputs }: Metafile): readonly string[] {
  const folders = Object.keys(inputs).flatMap(
    (path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/u.exec(path)?.[0] ?? [],
  )
  return [...new Set(folders)].sort()
}

/** @throws {Error} a package says neither in a file nor in its package.json under which licence it is. */
export function licenceTexts(folders: readonly string[]): string {
  const byText = new Map<string, string[]>()
  for (const folder of folders) {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      readonly name: string
      readonly version: string
      readonly license?: string
    }
    const file = readdirSync(folder).find((entry) => /^licen[cs]e(?:\.\w+)?$/iu.test(entry))
    const text = file === undefined ? (license ?? '') : readFileSync(join(folder, file), 'utf8').trim()
    if (text === '') throw new Error(`${folder} does not say under which licence it is: leave it out of the bundle`)
    byText.set(text, [...(byText.get(text) ?? []), `${name} ${version}`])
  }
  const parts = [...byText].map(([text, names]) => `${[...new Set(names)].join(', ')}\n\n${text}`)
  return `Deploywatch's files hold parts of these packages, under these licences.\n\n${parts.join(`\n\n${'-'.repeat(72)}\n\n`)}\n`
}
