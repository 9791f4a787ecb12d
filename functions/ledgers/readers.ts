/** What a look at a database knows of each tool: no file of a repository is read with these. */
import { alembicLedger } from './alembic.ts'
import { atlasLedger } from './atlas.ts'
import { dbmateLedger } from './dbmate.ts'
import { dbMigrateLedger } from './db-migrate.ts'
import { dieselLedger } from './diesel.ts'
import { djangoLedger } from './django.ts'
import { drizzleLedger } from './drizzle.ts'
import { ectoLedger } from './ecto.ts'
import { efCoreLedger } from './ef-core.ts'
import { flywayLedger } from './flyway.ts'
import { golangMigrateLedger } from './golang-migrate.ts'
import { gooseLedger } from './goose.ts'
import { graphileMigrateLedger } from './graphile-migrate.ts'
import { knexLedger } from './knex.ts'
import { kyselyLedger } from './kysely.ts'
import { laravelLedger } from './laravel.ts'
import type { LedgerReader } from './ledger.ts'
import { liquibaseLedger } from './liquibase.ts'
import { mikroOrmLedger } from './mikro-orm.ts'
import { nodePgMigrateLedger } from './node-pg-migrate.ts'
import { postgratorLedger } from './postgrator.ts'
import { prismaLedger } from './prisma.ts'
import { railsLedger } from './rails.ts'
import { sequelizeLedger } from './sequelize.ts'
import { sqitchLedger } from './sqitch.ts'
import { sqlxLedger } from './sqlx.ts'
import { supabaseLedger } from './supabase.ts'
import { typeormLedger } from './typeorm.ts'

export const LEDGER_READERS: readonly LedgerReader[] = [
  // By name, a line each.
  alembicLedger,
  atlasLedger,
  dbmateLedger,
  dbMigrateLedger,
  dieselLedger,
  djangoLedger,
  drizzleLedger,
  ectoLedger,
  efCoreLedger,
  flywayLedger,
  golangMigrateLedger,
  gooseLedger,
  graphileMigrateLedger,
  knexLedger,
  kyselyLedger,
  laravelLedger,
  liquibaseLedger,
  mikroOrmLedger,
  nodePgMigrateLedger,
  postgratorLedger,
  prismaLedger,
  railsLedger,
  sequelizeLedger,
  sqitchLedger,
  sqlxLedger,
  supabaseLedger,
  typeormLedger,
]
