/** What a query must leave as it was: more than rows. */
import { readdir } from 'node:fs/promises'
import type { Server } from 'node:net'
import { createServer } from 'node:net'
import { Client } from 'pg'

export interface Outside {
  readonly port: number
  /** How many connections came in. */
  calls(): number
  close(): Promise<void>
}

/** A socket that nobody may connect to. */
export async function listenOutside(): Promise<Outside> {
  let calls = 0
  const server: Server = createServer((socket) => {
    calls += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    calls: () => calls,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  }
}

export interface Witness {
  readonly client: Client
  readonly notifications: string[]
}

/** A session that listens, from beside. */
export async function openWitness(url: string): Promise<Witness> {
  const client = new Client({ connectionString: url })
  const notifications: string[] = []
  client.on('notification', ({ channel, payload }) => notifications.push(`${channel}: ${payload ?? ''}`))
  await client.connect()
  await client.query('LISTEN watched; CREATE EXTENSION pg_walinspect; CREATE TABLE beacon (id int)')
  return { client, notifications }
}

export interface Victim {
  readonly pid: number
  /** Whether its statement still runs. */
  lives(): boolean
  end(): Promise<void>
}

/** A session in the middle of a statement, which somebody might end. */
export async function openVictim(url: string): Promise<Victim> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  let running = true
  const sleep = client.query('SELECT pg_sleep(600)').catch(() => {
    running = false
  })
  return {
    pid: rows[0]?.pid ?? 0,
    lives: () => running,
    end: async () => {
      const other = new Client({ connectionString: url })
      await other.connect()
      await other.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid])
      await other.end()
      await sleep
    },
  }
}

const FACTS: Readonly<Record<string, string>> = {
  orders: "SELECT md5(string_agg(o::text, ',' ORDER BY id)) FROM orders o",
  sequences:
    "SELECT string_agg(concat_ws(' ', schemaname, sequencename, last_value), ',' ORDER BY schemaname, sequencename) FROM pg_sequences",
  largeObjects: "SELECT md5(string_agg(l::text, ',' ORDER BY loid, pageno)) FROM pg_largeobject l",
  relations:
    "SELECT md5(string_agg(concat_ws(' ', c.oid, c.relname, c.relkind, c.relnatts), ',' ORDER BY c.oid)) FROM pg_class c",
  functions: "SELECT md5(string_agg(concat_ws(' ', p.oid, p.proname), ',' ORDER BY p.oid)) FROM pg_proc p",
  descriptions: 'SELECT count(*) FROM pg_description',
  locks:
    "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE d.datname = current_database() AND (locktype = 'advisory' OR mode NOT IN ('AccessShareLock', 'ExclusiveLock'))",
  slots: 'SELECT count(*) FROM pg_replication_slots',
  origins: 'SELECT count(*) FROM pg_replication_origin',
  statistics: 'SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()',
  reloaded: 'SELECT pg_conf_load_time()',
  prepared: 'SELECT count(*) FROM pg_prepared_xacts',
  snapshots: "SELECT count(*) FROM pg_ls_dir('pg_snapshots')",
  relationStatistics: "SELECT reltuples, relpages FROM pg_class WHERE oid = 'orders'::regclass",
}

/** WAL records that no write makes: only what a query must not call. */
const WAL = `SELECT resource_manager || ' ' || record_type FROM pg_get_wal_records_info($1, pg_current_wal_flush_lsn())
WHERE resource_manager = 'LogicalMessage' OR (resource_manager = 'XLOG' AND record_type IN ('SWITCH', 'RESTORE_POINT', 'BACKUP_END'))`

/** A commit: there is a record behind the position, and what others left unflushed is flushed. */
const BEACON = 'INSERT INTO beacon VALUES (1)'

export async function lsn({ client }: Witness): Promise<string> {
  const { rows } = await client.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn() AS lsn')
  await client.query(BEACON)
  return rows[0]?.lsn ?? ''
}

/** All of it, as one value to be compared. `since`: where to look into the WAL from. */
export async function describeWorld(
  { client, notifications }: Witness,
  { outside, victim, folder, since }: { outside: Outside; victim: Victim; folder: string; since: string },
): Promise<Readonly<Record<string, unknown>>> {
  const world: Record<string, unknown> = {}
  await client.query(BEACON)
  for (const [name, sql] of Object.entries(FACTS)) world[name] = (await client.query(sql)).rows
  world['wal'] = (await client.query(WAL, [since])).rows
  world['notifications'] = [...notifications]
  world['calls'] = outside.calls()
  world['victim'] = victim.lives()
  world['files'] = (await readdir(folder)).sort()
  return world
}
