/** The tools whose migrations can be built and looked for. A new one is a file, a fixture folder, a contract and a line here and in readers.ts; a test checks that they agree. */
import { alembic } from './alembic.ts'
import { atlas } from './atlas.ts'
import { dbmate } from './dbmate.ts'
import { dbMigrate } from './db-migrate.ts'
import { diesel } from './diesel.ts'
import { django } from './django.ts'
import { drizzle } from './drizzle.ts'
import { ecto } from './ecto.ts'
import { efCore } from './ef-core.ts'
import { flyway } from './flyway.ts'
import { golangMigrate } from './golang-migrate.ts'
import { goose } from './goose.ts'
import { graphileMigrate } from './graphile-migrate.ts'
import { knex } from './knex.ts'
import { kysely } from './kysely.ts'
import { laravel } from './laravel.ts'
import type { LedgerTool } from './ledger.ts'
import { liquibase } from './liquibase.ts'
import { mikroOrm } from './mikro-orm.ts'
import { nodePgMigrate } from './node-pg-migrate.ts'
import { postgrator } from './postgrator.ts'
import { prisma } from './prisma.ts'
import { rails } from './rails.ts'
import { sequelize } from './sequelize.ts'
import { sqitch } from './sqitch.ts'
import { sqlx } from './sqlx.ts'
import { supabase } from './supabase.ts'
import { typeorm } from './typeorm.ts'

export const LEDGER_TOOLS: readonly LedgerTool[] = [
  // By name, a line each.
  alembic,
  atlas,
  dbmate,
  dbMigrate,
  diesel,
  django,
  drizzle,
  ecto,
  efCore,
  flyway,
  golangMigrate,
  goose,
  graphileMigrate,
  knex,
  kysely,
  laravel,
  liquibase,
  mikroOrm,
  nodePgMigrate,
  postgrator,
  prisma,
  rails,
  sequelize,
  sqitch,
  sqlx,
  supabase,
  typeorm,
]
