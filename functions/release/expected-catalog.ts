/** The catalog that a release expects, by the mode of the config: replayed, loaded from a dump, another environment's, or none. */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { identityOf } from '../core/catalog.ts'
import type { Scope } from '../engines/engine.ts'
import { splitStatements } from '../ledgers/sql-statements.ts'
import { runCommands } from './command-catalog.ts'
import { excludedTables } from './ledger-tables.ts'
import type { ExpectedCatalogInput, ExpectedCatalogResult, Other } from './expected.ts'
import { configError, EMBEDDED_MAJOR, NO_EFFECT, startServer, together, withTroubles } from './expected.ts'
import { isParsed } from './postgres/cost.ts'
import { extensionsNamedIn } from './postgres/extensions.ts'
import { loadParser } from './postgres/parse.ts'
import { pgliteVersion, startPglite } from './postgres/pglite.ts'
import { schemasOf } from './postgres/schemas.ts'
import { TOUCH_TRIGGERS } from './postgres/touches.ts'
import { plainSql } from './plan.ts'
import { replayWithPrefix } from './prefix.ts'
import type { ReplayFile, Replayed, Trouble } from './replay.ts'
import { replay } from './replay.ts'

/** Raise it with whatever makes the same files give another result. */
const REPLAY_VERSION = 2
const KEPT_RESULTS = 8

/** @throws {ConfigError} what the config asks for cannot be had */
export async function computeCatalog(input: ExpectedCatalogInput): Promise<ExpectedCatalogResult> {
  const { loaded, plan } = input
  const { replay: settings } = loaded.config.schema
  switch (settings.mode) {
    case 'none':
      return {
        mode: 'none',
        servers: [],
        schemas: [],
        objects: [],
        effects: plan.migrations.map(() => NO_EFFECT),
        notes: [],
      }
    case 'command':
      return runCommands(input)
    case 'environment':
      return readEnvironment(input)
    case 'sql':
      return cached(input, plan.digest, async () => {
        const { troubles: _, ...result } = await replaySql(input, {
          before: [...plan.ledgerFiles, ...plan.prelude],
          migrations: plan.migrations,
        })
        return result
      })
    case 'dump': {
      const dump = await readDump(input)
      return cached(input, `${plan.digest} ${createHash('sha256').update(JSON.stringify(dump)).digest('hex')}`, () =>
        loadDump(input, dump),
      )
    }
  }
}

/** What the result depends on beside the files: the readers' own SQL stands for their version. */
async function baseKey(input: ExpectedCatalogInput): Promise<string> {
  const { schema } = input.loaded.config
  const scope: Scope = {
    schemas: [{ expected: 'public', actual: 'public' }],
    ignore: schema.ignore,
    exclude: [],
    role: schema.role,
  }
  const readers = [input.engine.objects(scope, []).sql, input.engine.grants(scope).sql]
  const server = await pgliteVersion()
  const { mode, versions } = schema.replay
  return createHash('sha256')
    .update(
      JSON.stringify([
        REPLAY_VERSION,
        server,
        readers,
        TOUCH_TRIGGERS,
        schema.ignore,
        schema.role,
        mode,
        versions,
        input.plan.ledgerTables,
      ]),
    )
    .digest('hex')
}

/** An unchanged checkout replays nothing, and never loads the embedded server. */
async function cached(
  input: ExpectedCatalogInput,
  files: string,
  compute: () => Promise<ExpectedCatalogResult>,
): Promise<ExpectedCatalogResult> {
  const key = createHash('sha256')
    .update(`${await baseKey(input)} ${files}`)
    .digest('hex')
  const entry = await input.cache.read(`${key}.result`)
  if (entry !== null) return JSON.parse((await promisify(gunzip)(entry)).toString('utf8')) as ExpectedCatalogResult
  const result = await compute()
  const packed = await promisify(gzip)(Buffer.from(JSON.stringify(result)), { level: 1 })
  await input.cache.write(`${key}.result`, packed, KEPT_RESULTS)
  return result
}

interface Files {
  readonly before: readonly ReplayFile[]
  readonly migrations: readonly ReplayFile[]
}

async function replaySql(
  input: ExpectedCatalogInput,
  plan: Files,
): Promise<ExpectedCatalogResult & { readonly troubles: readonly Trouble[] }> {
  const { versions } = input.loaded.config.schema.replay
  const [base = EMBEDDED_MAJOR, ...others] = versions
  const first = await replayOn(input, plan, base, true)
  const rest: Other[] = []
  for (const major of new Set(others)) {
    if (major !== base) rest.push({ major, replayed: await replayOn(input, plan, major, false) })
  }
  return {
    ...together('sql', first, rest),
    troubles: first.troubles,
    notes: rest.flatMap(({ replayed }) => otherFailures(plan, first, replayed)),
  }
}

/** What failed on another server only: its words for some objects are missing. */
function otherFailures(files: Files, first: Replayed, other: Replayed): readonly string[] {
  return other.effects.flatMap(({ failed }, at) =>
    failed === null || first.effects[at]?.failed !== null
      ? []
      : [`on PostgreSQL ${other.version}, ${files.migrations[at]?.subject ?? ''}:${failed.line}: ${failed.reason}`],
  )
}

async function replayOn(
  input: ExpectedCatalogInput,
  files: Files,
  major: number,
  attributes: boolean,
): Promise<Replayed> {
  const { loaded, engine, cache, plan } = input
  const { ignore, role } = loaded.config.schema
  const shared = { engine, ...files, ignore, role, ledgerTables: plan.ledgerTables, attributes }
  if (major === EMBEDDED_MAJOR) {
    const texts = [...files.before, ...files.migrations].flatMap((file) =>
      (file.statements ?? []).map(({ sql }) => sql),
    )
    const extensions = extensionsNamedIn(texts)
    // Whoever needs it is told if it does not load.
    if (texts.some(isParsed)) void loadParser().catch(() => {})
    return replayWithPrefix(shared, cache, await baseKey(input), async (state) =>
      startPglite({ extensions, cache, state }),
    )
  }
  const server = await startServer(input, major)
  try {
    return await replay({ ...shared, server, from: null, checkpoint: null })
  } finally {
    await server.close()
  }
}

async function readDump({ loaded, project }: ExpectedCatalogInput): Promise<ReplayFile> {
  const { file } = loaded.config.schema.replay
  if (file === null) {
    throw configError(
      loaded,
      ['schema', 'replay', 'mode'],
      'mode "dump" needs the structure file: name it in schema.replay.file',
    )
  }
  const bytes = await project.read(file)
  if (bytes === null) {
    throw configError(
      loaded,
      ['schema', 'replay', 'file'],
      `the file "${file}" does not exist below ${loaded.folder}: name the structure file in schema.replay.file`,
    )
  }
  return { subject: file, statements: splitStatements(plainSql(bytes.toString('utf8'))) }
}

/** A structure file is one text: which migration brought what is not in it. */
async function loadDump(input: ExpectedCatalogInput, dump: ReplayFile): Promise<ExpectedCatalogResult> {
  const { troubles, ...result } = await replaySql(input, { before: [...input.plan.prelude, dump], migrations: [] })
  const effects = withTroubles(
    input.plan.migrations.map(() => NO_EFFECT),
    troubles,
  )
  const [trouble] = troubles
  if (trouble !== undefined && effects.length === 0) {
    // Without a migration there is nothing that could be unsure of it, and silence would pass.
    throw configError(
      input.loaded,
      ['schema', 'replay', 'file'],
      `${trouble.file}:${trouble.failure.line} cannot be loaded: ${trouble.failure.reason}; give it a prelude with schema.replay.before`,
    )
  }
  return { ...result, mode: 'dump', effects }
}

async function readEnvironment({
  loaded,
  plan,
  engine,
  connect,
}: ExpectedCatalogInput): Promise<ExpectedCatalogResult> {
  const { environment } = loaded.config.schema.replay
  if (environment === null || loaded.config.environments[environment] === undefined) {
    const names = Object.keys(loaded.config.environments).join(', ')
    throw configError(
      loaded,
      ['schema', 'replay', 'environment'],
      `mode "environment" needs an environment whose catalog is the expectation: name one of ${names} in schema.replay.environment`,
    )
  }
  const connection = await connect(environment)
  try {
    const [schemas, server] = await connection.read([schemasOf(), engine.identify()])
    const scope: Scope = {
      schemas: schemas.map((schema) => ({ expected: schema, actual: schema })),
      ignore: loaded.config.schema.ignore,
      exclude: excludedTables(schemas, plan.ledgerTables),
      role: loaded.config.schema.role,
    }
    const objects = await engine.readCatalog(connection, scope)
    const grants = loaded.config.schema.role === null ? [] : (await connection.read([engine.grants(scope)]))[0]
    const distinct = new Map([...objects, ...grants].map((object) => [identityOf(object), object]))
    return {
      mode: 'environment',
      servers: [server.version],
      schemas,
      objects: [...distinct]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, object]) => ({ object, brought: null, changed: [], variants: {} })),
      effects: plan.migrations.map(() => NO_EFFECT),
      notes: [`the expectation is the catalog of ${environment}`],
    }
  } finally {
    await connection.close()
  }
}
