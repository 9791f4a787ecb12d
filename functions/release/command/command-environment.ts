/**
 * The variables that the command is given: its own, with the throwaway server wherever they led to a database. A tool takes its
 * address from a variable of its choice, and what is in no variable it takes from a `.env` file, which no variable that is set gives way to.
 */

export type Variables = Readonly<Record<string, string | undefined>>

/** Where the throwaway server is. */
export interface ThrowawayAddress {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

export interface CommandEnvironmentInput {
  readonly env: Variables
  readonly address: ThrowawayAddress
  /** The variables in which the tools of the release have the address, as far as their config files say. */
  readonly addressIn: readonly string[]
  /** What is known to lead to an environment's database: the variables of the config. */
  readonly environments: readonly string[]
  /** Texts of `.env` files. */
  readonly files: readonly string[]
}

export function commandEnvironment(input: CommandEnvironmentInput): Record<string, string> {
  const { env, address, addressIn, environments, files } = input
  const url = urlOf('postgresql', address, '')
  const result: Record<string, string> = {}
  for (const [name, value] of [...files.flatMap(assignmentsOf), ...Object.entries(env)]) {
    if (value === undefined) continue
    const isOwn = env[name] !== undefined
    const instead = insteadOf(name, value, address)
    if (instead === undefined) {
      if (isOwn) result[name] = value
    } else if (instead === null) delete result[name]
    else result[name] = instead
  }
  for (const name of environments) {
    // A host, a user: what it is instead was not told by its name.
    if (result[name] === env[name] && !OF_THE_MACHINE.has(name)) delete result[name]
  }
  for (const name of ['DATABASE_URL', ...addressIn]) result[name] = addressInstead(env[name] ?? '', address) ?? url
  return { ...result, ...libpq(address) }
}

/** Without these no program is found, or finds its own files. */
const OF_THE_MACHINE = new Set(['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'TMPDIR', 'TEMP', 'SYSTEMROOT'])

function libpq({ host, port, user, password, database }: ThrowawayAddress): Record<string, string> {
  return {
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    PGPASSWORD: password,
    PGDATABASE: database,
    PGSSLMODE: 'disable',
  }
}

/** `scheme://…`, also `jdbc:…` and SQLAlchemy's `postgresql+psycopg://`. */
const ADDRESS =
  /^(jdbc:)?(postgres|postgresql|postgis|pgsql|cockroachdb|mysql|mariadb|sqlserver|mssql|oracle|mongodb)(\+\w+)?:\/\//i
const POSTGRES = /^(jdbc:)?(postgres|postgresql|postgis|pgsql|cockroachdb)/i

/** Names as DB_HOST, POSTGRES_PASSWORD, ORDERS_DATABASE_NAME, TYPEORM_PORT. */
const PART =
  /(?:^|_)(?:DB|DATABASE|POSTGRES|POSTGRESQL|PG|RDS|SQL|TYPEORM|MIKRO_ORM)(?:_\w+)?_(HOST|HOSTNAME|SERVER|ENDPOINT|PORT|USER|USERNAME|PASSWORD|PASS|NAME|DATABASE|DBNAME|SOCKET)$/i

/** What libpq and its like read. All of it goes: PGSERVICE, PGPASSFILE, PGOPTIONS lead elsewhere too. */
const LIBPQ = /^PG(?!LITE)[A-Z]+$/

/** What a variable is instead; undefined: it is about no database. null: it is taken out. */
function insteadOf(name: string, value: string, address: ThrowawayAddress): string | null | undefined {
  if (LIBPQ.test(name)) return null
  const instead = addressInstead(value, address)
  if (instead !== undefined) return instead
  const part = PART.exec(name)?.[1]?.toUpperCase()
  if (part === undefined) return undefined
  switch (part) {
    case 'PORT':
      return String(address.port)
    case 'USER':
    case 'USERNAME':
      return address.user
    case 'PASS':
    case 'PASSWORD':
      return address.password
    case 'NAME':
    case 'DATABASE':
    case 'DBNAME':
      return address.database
    case 'SOCKET':
      return null
    default:
      return address.host
  }
}

/** In the form that it has; null: of another system. undefined: it is no address. */
function addressInstead(value: string, address: ThrowawayAddress): string | null | undefined {
  const scheme = ADDRESS.exec(value)?.[0]
  if (scheme === undefined) return undefined
  return POSTGRES.test(value) ? urlOf(scheme.slice(0, -3), address, value) : null
}

/** Which of the address's parameters are about the session, and not about the way there. */
const OF_THE_SESSION = new Set([
  'schema',
  'currentSchema',
  'options',
  'search_path',
  'application_name',
  'connection_limit',
])

function urlOf(scheme: string, { host, port, user, password, database }: ThrowawayAddress, before: string): string {
  const at = before.indexOf('?')
  const kept = [...new URLSearchParams(at < 0 ? '' : before.slice(at))].filter(([name]) => OF_THE_SESSION.has(name))
  const isJdbc = scheme.toLowerCase().startsWith('jdbc:')
  const login = isJdbc ? [['user', user] as const, ['password', password] as const] : []
  const query = new URLSearchParams(Object.fromEntries([...login, ...kept])).toString()
  const who = isJdbc ? '' : `${user}:${password}@`
  return `${scheme}://${who}${host}:${port}/${database}${query === '' ? '' : `?${query}`}`
}

/** The assignments of a `.env` file, as far as every reader of such files agrees on them. */
function assignmentsOf(text: string): readonly (readonly [name: string, value: string])[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const [, name, value = ''] = /^\s*(?:export\s+)?([\w.]+)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? []
    if (name === undefined) return []
    const quoted = /^(["'`])(.*?)\1/.exec(value)?.[2]
    return [[name, quoted ?? value.replace(/\s+#.*$/, '')] as const]
  })
}
