/**
 * A migration tool in a process of its own, as `deploywatch migrate` runs one: the scripts of a folder that Flyway's table does not
 * know yet, in order, each in a transaction where it may be, and measured as Flyway measures it. Arguments: URL FOLDER, and `pause`:
 * between two of them what a server does within minutes.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { flywayChecksum } from '../functions/ledgers/flyway-files.ts'

const [url = '', folder = '', pause = ''] = process.argv.slice(2)

const versionOf = (script: string): number => Number(/^V(\d+)__/.exec(script)?.[1])

async function migrate(client: Client): Promise<void> {
  const { rows } = await client.query<{ script: string }>('SELECT script FROM flyway_schema_history')
  const known = new Set(rows.map(({ script }) => script))
  const scripts = (await readdir(folder)).toSorted((a, b) => versionOf(a) - versionOf(b))
  for (const script of scripts.filter((name) => !known.has(name))) {
    const sql = await readFile(join(folder, script), 'utf8')
    const isAlone = /\bconcurrently\b/i.test(sql)
    const from = performance.now()
    if (!isAlone) await client.query('BEGIN')
    await client.query(sql)
    if (!isAlone) await client.query('COMMIT')
    const ms = Math.round(performance.now() - from)
    await client.query(
      `INSERT INTO flyway_schema_history (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success)
       VALUES ($1, $2, $3, 'SQL', $4, $5, 'deployer', $6, true)`,
      [
        versionOf(script),
        String(versionOf(script)),
        script.replace(/^V\d+__|\.sql$/g, '').replaceAll('_', ' '),
        script,
        flywayChecksum(sql),
        ms,
      ],
    )
    if (pause !== '') {
      await client.query('VACUUM')
      await client.query('CHECKPOINT')
    }
    process.stdout.write(`${script}: ${ms} ms\n`)
  }
}

const client = new Client({ connectionString: url })
await client.connect()
try {
  await migrate(client)
} finally {
  await client.end()
}
