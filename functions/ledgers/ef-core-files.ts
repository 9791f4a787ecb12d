/** EF Core's migrations: classes with `[Migration("…")]` of a context. Research: MigrationsAssembly.cs, MigrationsIdGenerator.cs of efcore 11. */
import type { Migration } from '../core/release.ts'
import type { CsharpClass } from './csharp-source.ts'
import { readClasses, readCsharp, stringConstants, stringOf } from './csharp-source.ts'
import { isSource } from './dotnet-projects.ts'
import { migrationKey, ORDER } from './ef-core-rows.ts'
import type { FileProblem, ProjectFiles } from './ledger.ts'
import { sha256 } from './migration-text.ts'

export interface EfMigration {
  readonly migration: Migration
  /** The class of `[DbContext(typeof(…))]`, without its namespace; null: a base class outside of what was read may have it. */
  readonly context: string | null
}

export interface EfMigrations {
  /** In EF Core's order. */
  readonly migrations: readonly EfMigration[]
  readonly problems: readonly FileProblem[]
}

/** One class, put together of its parts. */
interface Joined {
  readonly name: string
  /** The file with its base class, else with its id. */
  readonly file: string
  readonly line: number
  readonly base: string | null
  /** What `[Migration(…)]` is given; null: there is none. */
  readonly id: string | null
  readonly idValue: string | undefined
  readonly context: string | null
  readonly isAbstract: boolean
  readonly condition: string | null
  /** Its text says that it is for EF Core. */
  readonly forEf: boolean
}

/** @param files Of one assembly, or of the migrations folder alone. */
export async function readMigrations(project: ProjectFiles, files: readonly string[]): Promise<EfMigrations> {
  const parts = new Map<string, Joined[]>()
  const digests = new Map<string, string>()
  for (const file of files.filter(isSource)) {
    const bytes = (await project.read(file)) ?? Buffer.alloc(0)
    const text = bytes.toString('utf8')
    // FluentMigrator has a base class and an attribute of the same names, whose argument is a number.
    if (!/\bMigration\b|\bDbContext\b/.test(text) || /\busing\s+FluentMigrator\b/.test(text)) continue
    digests.set(file, sha256(bytes))
    for (const part of partsOf(file, text)) {
      parts.set(part.fullName, [...(parts.get(part.fullName) ?? []), part.joined])
    }
  }
  return choose([...parts.values()].map(joined), digests)
}

/** The model of a .Designer.cs file may have a hundred times the length of all before it. */
function withoutModel(text: string): string {
  const at = text.indexOf('BuildTargetModel')
  return at < 0 || /\bclass\b/.test(text.slice(at)) ? text : text.slice(0, at)
}

function partsOf(file: string, text: string): readonly { readonly fullName: string; readonly joined: Joined }[] {
  const source = readCsharp(withoutModel(text))
  const constants = stringConstants(source)
  const forEf = /\bMicrosoft\s*\.\s*EntityFrameworkCore\b/.test(source.masked)
  return readClasses(source).map((found: CsharpClass) => {
    const id = found.attributes.get('Migration') ?? null
    const context = contextOf(found.attributes.get('DbContext'))
    return {
      fullName: found.fullName,
      joined: {
        name: found.name,
        file,
        line: found.line,
        base: found.bases[0] ?? null,
        id,
        idValue: id === null ? undefined : stringOf(id, constants),
        context,
        isAbstract: found.isAbstract,
        condition: found.condition,
        forEf: forEf || context !== null,
      },
    }
  })
}

/** `typeof(Shop.Data.ShopContext)` → ShopContext. */
export function contextOf(argument: string | undefined): string | null {
  return /([\p{L}\p{N}_]+)\s*(?:<.*>)?\s*\)$/su.exec(argument ?? '')?.[1] ?? null
}

function joined(parts: readonly Joined[]): Joined {
  const withBase = parts.find(({ base }) => base !== null)
  const withId = parts.find(({ id }) => id !== null)
  const first = withBase ?? withId ?? parts[0]
  if (first === undefined) throw new Error('a class has no part')
  return {
    ...first,
    id: withId?.id ?? null,
    idValue: withId?.idValue,
    context: parts.find(({ context }) => context !== null)?.context ?? null,
    isAbstract: parts.some(({ isAbstract }) => isAbstract),
    condition: parts.find(({ condition }) => condition !== null)?.condition ?? null,
    forEf: parts.some(({ forEf }) => forEf),
  }
}

function choose(classes: readonly Joined[], digests: ReadonlyMap<string, string>): EfMigrations {
  const byName = new Map(classes.map((found) => [found.name, found]))
  const found = new Map<string, EfMigration>()
  const problems: FileProblem[] = []
  for (const one of classes) {
    const context = inheritedContext(one, byName)
    const problem = problemOf(one, context)
    if (problem !== null) problems.push({ file: one.file, line: one.line, message: problem })
    if (one.idValue === undefined || !isMigration(one) || context === undefined) continue
    const key = migrationKey(one.idValue)
    const twin = found.get(`${context ?? ''} ${key}`)?.migration
    if (twin === undefined) {
      found.set(`${context ?? ''} ${key}`, { context, migration: migrationOf(one, one.idValue, key, digests) })
    } else {
      const how = twin.subject === one.idValue ? 'and EF Core runs only one of them' : 'and one row counts for both'
      const message = `${one.idValue} is the id of ${twin.file} too, ${how}: give it another one`
      problems.push({ file: one.file, line: one.line, message })
    }
  }
  const migrations = [...found.values()].sort((a, b) => ORDER.compare(a.migration.key, b.migration.key))
  return { migrations, problems }
}

/** Of the class itself, else of the first of its bases that has one. Undefined: none has, so that EF Core does not find it. */
function inheritedContext(one: Joined, byName: ReadonlyMap<string, Joined>): string | null | undefined {
  const seen = new Set<Joined>()
  let at: Joined | undefined = one
  while (at !== undefined && !seen.has(at)) {
    if (at.context !== null) return at.context
    if (at.base === null || isEfBase(at.base)) return undefined
    seen.add(at)
    at = byName.get(lastPart(at.base))
  }
  return null
}

function isMigration({ id, isAbstract }: Joined): boolean {
  return id !== null && !isAbstract && !/^(?:\w+\s*:\s*)?-?\d/.test(id)
}

function isEfBase(base: string): boolean {
  return lastPart(base) === 'Migration'
}

function lastPart(name: string): string {
  return /([\p{L}\p{N}_]+)\s*(?:[<(].*)?$/su.exec(name)?.[1] ?? name
}

function problemOf(one: Joined, context: string | null | undefined): string | null {
  const { name, base, id, idValue, isAbstract, forEf } = one
  if (isAbstract) return null
  if (id === null) {
    return base !== null && isEfBase(base) && forEf
      ? `${name} is a migration without [Migration("…")], so EF Core passes over it: add the .Designer.cs file that belongs to it, or the attribute`
      : null
  }
  if (!isMigration(one)) return null
  if (idValue === undefined) {
    return forEf
      ? `the id of ${name} is computed ([Migration(${id})]), so that it is not known which migration it is: write it in plain text`
      : null
  }
  if (base === null) return `${idValue} has no class that derives from Migration: its main file is missing`
  return context === undefined
    ? `${idValue} has no [DbContext(typeof(…))], so EF Core does not find it: add the attribute`
    : null
}

function migrationOf(one: Joined, id: string, key: string, digests: ReadonlyMap<string, string>): Migration {
  const doubt =
    one.condition === null
      ? {}
      : { doubt: `it stands inside of #${one.condition}, and whether it is compiled the repository does not say` }
  const line = one.line === 1 ? {} : { line: one.line }
  const digest = digests.get(one.file) ?? ''
  return {
    subject: id,
    key,
    kind: 'versioned',
    file: one.file,
    checksums: [],
    digest,
    form: 'code',
    ...line,
    ...doubt,
  }
}
