/** Where sqitch finds its plan and its scripts, and where its registry is: sqitch.conf. Research: App::Sqitch::Target (1.3.1). */
import type { GitConfigSection } from './git-config.ts'
import { parseGitConfig } from './git-config.ts'
import type { ProjectFiles } from './ledger.ts'
import { folderOf, joinPath, trimFolder, upwards } from './project-files.ts'
import { isPlan } from './sqitch-plan.ts'

export interface SqitchPlace {
  /** sqitch.conf, or null. */
  readonly conf: string | null
  /** The folder in which sqitch is run. */
  readonly base: string
  readonly plan: string
  readonly deploy: string
  /** Where the scripts are of changes that were reworked. */
  readonly reworkedDeploy: string
  readonly extension: string
  readonly engine: string
  /** undefined: targets of this plan have different ones. null: no file says it. */
  readonly registry: string | null | undefined
  /** What psql has as its variables. */
  readonly variables: Readonly<Record<string, string>>
  /** The target that is to be named; null: the default one, or one by its address. */
  readonly target: string | null
  /** It has settings that another address would not have. */
  readonly ownsSettings: boolean
  /** Other plans of the same sqitch.conf. */
  readonly others: readonly string[]
}

/** The place that `path` means: the plan, its folder, the folder of its scripts, or one above them. Null: there is no plan. */
export async function findSqitch(project: ProjectFiles, path: string): Promise<SqitchPlace | null> {
  const own = trimFolder(path)
  const found = await findConf(project, own)
  const conf = found === null ? [] : parseGitConfig(found.text)
  const bases = upwards(own).filter((folder) => found !== null && isWithin(folder, folderOf(found.file)))
  for (const base of bases.toReversed()) {
    const places = targetsOf(conf).map((target) => placeOf(target, conf, found?.file ?? null, base))
    const fitting = places.filter((place) => fitness(place, own) > 0).sort((a, b) => fitness(b, own) - fitness(a, own))
    for (const place of fitting) {
      if (await hasPlan(project, place.plan)) return withOthers(project, place, places)
    }
  }
  return besideConf(project, own, conf, found?.file ?? null)
}

async function findConf(
  project: ProjectFiles,
  path: string,
): Promise<{ readonly file: string; readonly text: string } | null> {
  for (const folder of upwards(path)) {
    const file = joinPath(folder, 'sqitch.conf')
    const text = (await project.read(file))?.toString('utf8')
    if (text !== undefined) return { file, text }
  }
  return null
}

async function hasPlan(project: ProjectFiles, file: string): Promise<boolean> {
  return isPlan((await project.read(file))?.toString('utf8') ?? '')
}

interface Target {
  readonly name: string
  readonly engine: string
  /** How it is called on a command line; null: not at all. */
  readonly called: string | null
}

const ENGINES: Readonly<Record<string, string>> = {
  postgres: 'pg',
  postgresql: 'pg',
  pgsql: 'pg',
  maria: 'mysql',
  mariadb: 'mysql',
  cockroachdb: 'cockroach',
}

function engineOf(uri: string): string {
  const word = /^(?:db:)?([\w]+):/.exec(uri)?.[1] ?? ''
  return ENGINES[word] ?? word
}

/** The default one first; then the engines, whose settings an address alone has; then those that have a name. */
function targetsOf(conf: readonly GitConfigSection[]): readonly Target[] {
  const engine = valueOf(conf, 'core', 'engine')?.trim() ?? null
  const standard = valueOf(conf, 'core', 'target') ?? valueOf(conf, `engine.${engine ?? ''}`, 'target')
  const named = (name: string): Target => {
    const uri = name.includes(':') ? name : (valueOf(conf, `target.${name}`, 'uri') ?? '')
    return { name, engine: engineOf(uri), called: name.includes(':') ? null : name }
  }
  const first =
    standard === null
      ? { name: `db:${engine ?? ''}:`, engine: engine ?? '', called: null }
      : { ...named(standard), called: null }
  const rest = (kind: string): readonly string[] => [
    ...new Set(conf.flatMap(({ name }) => new RegExp(`^${kind}\\.([^.]+)`).exec(name)?.[1]?.trim() ?? [])),
  ]
  return [
    first,
    ...rest('engine').map((key) => ({ name: `db:${key}:`, engine: key, called: null })),
    ...rest('target')
      .filter((name) => name !== standard)
      .map(named),
  ]
}

/** The last one that is written; an empty one counts as none. */
function valueOf(conf: readonly GitConfigSection[], section: string, key: string): string | null {
  const values = conf.filter(({ name }) => name === section).flatMap((one) => one.values)
  const value = values.findLast(({ name }) => name.toLowerCase() === key)?.value ?? ''
  return value === '' ? null : value
}

function placeOf(target: Target, conf: readonly GitConfigSection[], file: string | null, base: string): SqitchPlace {
  const sections = [`target.${target.name}`, `engine.${target.engine}`, 'core']
  const setting = (key: string): string | null =>
    sections.map((section) => valueOf(conf, section, key)).find((value) => value !== null) ?? null
  const folder = (key: string, otherwise: string): string => {
    const written = setting(key)
    return written === null ? otherwise : resolved(base, written)
  }
  const top = folder('top_dir', base)
  const reworked = folder('reworked_dir', top)
  return {
    conf: file,
    base,
    plan: folder('plan_file', joinPath(top, 'sqitch.plan')),
    deploy: folder('deploy_dir', joinPath(top, 'deploy')),
    reworkedDeploy: folder('reworked_deploy_dir', joinPath(reworked, 'deploy')),
    extension: setting('extension') ?? 'sql',
    engine: target.engine,
    registry: setting('registry'),
    variables: variablesOf(conf, target),
    target: target.called,
    ownsSettings: conf.some(
      ({ name, values }) =>
        name === `target.${target.name}` && values.some((value) => !/^(?:uri|client)$/i.test(value.name)),
    ),
    others: [],
  }
}

function variablesOf(conf: readonly GitConfigSection[], { name, engine }: Target): Readonly<Record<string, string>> {
  const sections = ['core', 'deploy', `engine.${engine}`, `target.${name}`].map((section) => `${section}.variables`)
  const all = sections.flatMap((section) => conf.filter((one) => one.name === section).flatMap(({ values }) => values))
  return Object.fromEntries(all.map((one) => [one.name, one.value]))
}

/** How closely a place is what the config's path means; 0: not at all. */
function fitness({ plan, deploy }: SqitchPlace, own: string): number {
  if (plan === own) return 4
  if (folderOf(plan) === own) return 3
  if (deploy === own) return 2
  return isWithin(plan, own) || isWithin(deploy, own) ? 1 : 0
}

function isWithin(path: string, folder: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`)
}

/** Targets of one plan may keep their registries under different names. */
async function withOthers(
  project: ProjectFiles,
  place: SqitchPlace,
  all: readonly SqitchPlace[],
): Promise<SqitchPlace> {
  const same = all.filter(({ plan, engine }) => plan === place.plan && engine === place.engine)
  // An engine's settings count for its targets too: it is no further one.
  const named = same.filter(({ target }) => target !== null)
  const registries = new Set([place, ...named].map(({ registry }) => registry))
  const others: string[] = []
  for (const plan of new Set(all.map((one) => one.plan))) {
    if (plan !== place.plan && (await hasPlan(project, plan))) others.push(plan)
  }
  return { ...place, registry: registries.size > 1 ? undefined : place.registry, others }
}

/** A plan of which sqitch.conf does not speak, or that has none: `--plan-file`, or a folder of its own. */
async function besideConf(
  project: ProjectFiles,
  own: string,
  conf: readonly GitConfigSection[],
  file: string | null,
): Promise<SqitchPlace | null> {
  const above = /(?:^|\/)deploy$/.test(own) ? [joinPath(folderOf(own), 'sqitch.plan')] : []
  for (const plan of [own, joinPath(own, 'sqitch.plan'), ...above]) {
    if (plan === '' || !(await hasPlan(project, plan))) continue
    const base = folderOf(plan)
    const [first] = targetsOf(conf)
    const place = first === undefined ? null : placeOf(first, conf, file, base)
    return place === null
      ? null
      : { ...place, plan, deploy: joinPath(base, 'deploy'), reworkedDeploy: joinPath(base, 'deploy') }
  }
  return null
}

/** Paths of sqitch.conf are those of the folder in which it is run. */
function resolved(base: string, written: string): string {
  const parts: string[] = []
  for (const part of `${base}/${written.replaceAll('\\', '/')}`.split('/')) {
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}
