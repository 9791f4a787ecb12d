/** A project a tool: two migrations, of which the first makes the table and the second adds a column `note` to it. */

export interface ToolProject {
  /** As `migrations.tool` names it. */
  readonly tool: string
  readonly title: string
  readonly needs: 'node' | 'python' | 'prisma' | 'activerecord' | 'illuminate'
  readonly command: string
  /** The value of `migrations:`. */
  readonly migrations: string
  readonly table: string
  /** Groups of the tool's own objects. */
  readonly ledger: RegExp
  readonly files: Readonly<Record<string, string>>
  readonly brings: readonly string[]
  /** Ends of `schema.replay` on which it is run too; left out: on the embedded server alone. */
  readonly alsoOn?: readonly string[]
}

const BOTH = ['', ', versions: [18]']

export const TOOL_PROJECTS: readonly ToolProject[] = [
  {
    tool: 'typeorm',
    title: 'TypeORM',
    needs: 'node',
    command: 'npx typeorm migration:run -d data-source.js',
    migrations: '{ path: migrations }',
    table: 'orders',
    ledger: /^migrations/,
    files: {
      'data-source.js': `const { DataSource } = require('typeorm')
module.exports = new DataSource({ type: 'postgres', url: process.env.DATABASE_URL, migrations: ['migrations/*.js'] })
`,
      'migrations/1700000000001-Orders.js': `module.exports = class Orders1700000000001 { async up(q) { await q.query('CREATE TABLE orders (id bigint PRIMARY KEY, total numeric NOT NULL)') } async down() {} }
`,
      'migrations/1700000000002-Notes.js': `const { TableColumn } = require('typeorm')
module.exports = class Notes1700000000002 { async up(q) { await q.addColumn('orders', new TableColumn({ name: 'note', type: 'text', isNullable: true })) } async down() {} }
`,
      'package.json': `{"dependencies":{"typeorm":"0.3"}}
`,
    },
    brings: [
      'Orders1700000000001: column orders.id, column orders.total, constraint orders.orders_pkey, table orders',
      'Notes1700000000002: column orders.note',
    ],
  },
  {
    tool: 'sequelize',
    title: 'Sequelize',
    needs: 'node',
    command: 'npx sequelize-cli db:migrate',
    migrations: '{ path: migrations }',
    table: 'orders',
    ledger: /^SequelizeMeta/,
    files: {
      'config/config.js': `module.exports = { [process.env.NODE_ENV ?? 'development']: { use_env_variable: 'DATABASE_URL', dialect: 'postgres' } }
`,
      'migrations/20260101-orders.js': `module.exports = { up: async (q, S) => { await q.createTable('orders', { id: { type: S.BIGINT, primaryKey: true }, total: S.DECIMAL }) }, down: async () => {} }
`,
      'migrations/20260102-notes.js': `module.exports = { up: async (q, S) => q.sequelize.transaction(async (transaction) => { await q.addColumn('orders', 'note', { type: S.TEXT }, { transaction }); await q.addIndex('orders', ['note'], { transaction }) }), down: async () => {} }
`,
      'package.json': `{"dependencies":{"sequelize":"6"}}
`,
    },
    brings: [
      '20260101-orders.js: column orders.id, column orders.total, constraint orders.orders_pkey, table orders',
      '20260102-notes.js: column orders.note, index orders.orders_note',
    ],
    alsoOn: BOTH,
  },
  {
    tool: 'kysely',
    title: 'Kysely',
    needs: 'node',
    command: 'npx kysely migrate:latest',
    migrations: '{ path: migrations }',
    table: 'orders',
    ledger: /^kysely/,
    files: {
      'kysely.config.ts': `import { PostgresDialect } from 'kysely'
import { defineConfig } from 'kysely-ctl'
import { Pool } from 'pg'
export default defineConfig({ dialect: new PostgresDialect({ pool: new Pool({ connectionString: process.env.DATABASE_URL }) }), migrations: { migrationFolder: 'migrations' } })
`,
      'migrations/1_orders.ts': `import type { Kysely } from 'kysely'
export const up = async (db: Kysely<any>) => { await db.schema.createTable('orders').addColumn('id', 'bigint', (c) => c.primaryKey()).execute() }
`,
      'migrations/2_notes.ts': `import type { Kysely } from 'kysely'
export const up = async (db: Kysely<any>) => { await db.schema.alterTable('orders').addColumn('note', 'text').execute() }
`,
      'package.json': `{"type":"module","dependencies":{"kysely":"1"}}
`,
    },
    brings: ['1_orders: column orders.id, constraint orders.orders_pkey, table orders', '2_notes: column orders.note'],
  },
  {
    tool: 'mikro-orm',
    title: 'MikroORM',
    needs: 'node',
    command: 'npx mikro-orm migration:up',
    migrations: '{ path: migrations }',
    table: 'orders',
    ledger: /^mikro/,
    files: {
      'mikro-orm.config.js': `const { defineConfig } = require('@mikro-orm/postgresql'); const { Migrator } = require('@mikro-orm/migrations')
const { EntitySchema } = require('@mikro-orm/core')
module.exports = defineConfig({ clientUrl: process.env.DATABASE_URL, dbName: 'postgres', entities: [new EntitySchema({ name: 'Order', properties: { id: { type: 'number', primary: true } } })], extensions: [Migrator], migrations: { path: './migrations', snapshot: false } })
`,
      'migrations/Migration20260101000000.js': `const { Migration } = require('@mikro-orm/migrations')
exports.Migration20260101000000 = class extends Migration { async up() { this.addSql('create table orders (id bigint primary key)') } }
`,
      'migrations/Migration20260102000000.js': `const { Migration } = require('@mikro-orm/migrations')
exports.Migration20260102000000 = class extends Migration { async up() { this.addSql('alter table orders add column note text') } }
`,
      'package.json': `{"dependencies":{"@mikro-orm/core":"6.6.16","@mikro-orm/cli":"6.6.16","@mikro-orm/postgresql":"6.6.16"}}
`,
    },
    brings: [
      'Migration20260101000000: column orders.id, constraint orders.orders_pkey, table orders',
      'Migration20260102000000: column orders.note',
    ],
  },
  {
    tool: 'node-pg-migrate',
    title: 'node-pg-migrate',
    needs: 'node',
    command: 'npx node-pg-migrate up',
    migrations: '{ path: migrations }',
    table: 'orders',
    ledger: /^pgmigrations/,
    files: {
      'migrations/1700000000001_orders.js': `exports.up = (pgm) => { pgm.createTable('orders', { id: 'id', total: { type: 'numeric', notNull: true } }) }
`,
      'migrations/1700000000002_notes.sql': `-- Up Migration
ALTER TABLE orders ADD COLUMN note text;
CREATE INDEX orders_note_idx ON orders (note);
-- Down Migration
`,
      'package.json': `{"dependencies":{"node-pg-migrate":"8"}}
`,
    },
    brings: [
      '1700000000001_orders: column orders.id, column orders.total, constraint orders.orders_pkey, table orders, sequence orders_id_seq',
      '1700000000002_notes: column orders.note, index orders.orders_note_idx',
    ],
  },
  {
    tool: 'drizzle',
    title: 'Drizzle',
    needs: 'node',
    command: 'npx drizzle-kit migrate',
    migrations: '{ path: drizzle }',
    table: 'orders',
    ledger: /^__drizzle/,
    files: {
      'drizzle.config.ts': `import { defineConfig } from 'drizzle-kit'
export default defineConfig({ dialect: 'postgresql', schema: './schema.ts', out: './drizzle', dbCredentials: { url: process.env.DATABASE_URL! } })
`,
      'schema.ts': `import { pgTable, bigint, text, index } from 'drizzle-orm/pg-core'
export const orders = pgTable('orders', { id: bigint({ mode: 'number' }).primaryKey(), note: text() }, (t) => [index('orders_note_idx').on(t.note)])
`,
      'package.json': `{"dependencies":{"drizzle-orm":"1"}}
`,
      'drizzle/0000_flippant_iron_lad.sql': `CREATE TABLE "orders" (
	"id" bigint PRIMARY KEY NOT NULL
);
`,
      'drizzle/0001_slimy_kylun.sql': `ALTER TABLE "orders" ADD COLUMN "note" text;--> statement-breakpoint
CREATE INDEX "orders_note_idx" ON "orders" USING btree ("note");`,
      'drizzle/meta/_journal.json': `{
  "version": "7",
  "dialect": "postgresql",
  "entries": [
    {
      "idx": 0,
      "version": "7",
      "when": 1795931977361,
      "tag": "0000_flippant_iron_lad",
      "breakpoints": true
    },
    {
      "idx": 1,
      "version": "7",
      "when": 1795931977997,
      "tag": "0001_slimy_kylun",
      "breakpoints": true
    }
  ]
}`,
    },
    brings: [
      '0000_flippant_iron_lad.sql: column orders.id, constraint orders.orders_pkey, table orders',
      '0001_slimy_kylun.sql: column orders.note, index orders.orders_note_idx',
    ],
  },
  {
    tool: 'django',
    title: 'Django',
    needs: 'python',
    command: 'python manage.py migrate --no-input',
    migrations: '{ path: . }',
    table: 'orders_order',
    ledger: /^django_migrations/,
    files: {
      'manage.py': `import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_.settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
`,
      'site_/__init__.py': '',
      'site_/settings.py': `import os
SECRET_KEY = "x"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "orders"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"], "HOST": os.environ["PGHOST"], "PORT": os.environ["PGPORT"], "USER": os.environ["PGUSER"], "PASSWORD": os.environ["PGPASSWORD"]}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
`,
      'orders/__init__.py': '',
      'orders/migrations/__init__.py': '',
      'orders/migrations/0001_initial.py': `from django.db import migrations, models
class Migration(migrations.Migration):
    initial = True
    dependencies = [("auth", "0012_alter_user_first_name_max_length")]
    operations = [migrations.CreateModel("Order", [("id", models.BigAutoField(primary_key=True)), ("total", models.DecimalField(max_digits=9, decimal_places=2))])]
`,
      'orders/migrations/0002_note.py': `from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]
    operations = [migrations.AddField("order", "note", models.TextField(null=True, db_index=True))]
`,
    },
    brings: [
      'orders.0001_initial: column orders_order.id, column orders_order.total, constraint orders_order.orders_order_pkey, table orders_order',
      'orders.0002_note: column orders_order.note, index orders_order.orders_order_note_9f112cd7, index orders_order.orders_order_note_9f112cd7_like',
    ],
    alsoOn: BOTH,
  },
  {
    tool: 'alembic',
    title: 'Alembic',
    needs: 'python',
    command: 'python -m alembic upgrade head',
    migrations: '{ path: migrations/versions }',
    table: 'orders',
    ledger: /^alembic/,
    files: {
      'alembic.ini': `[alembic]
script_location = migrations
`,
      'migrations/env.py': `import os
from alembic import context
from sqlalchemy import create_engine
engine = create_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"))
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
`,
      'migrations/versions/a1_orders.py': `from alembic import op
import sqlalchemy as sa
revision = "a1"
down_revision = None
def upgrade():
    op.create_table("orders", sa.Column("id", sa.BigInteger, primary_key=True), sa.Column("total", sa.Numeric))
def downgrade():
    pass
`,
      'migrations/versions/b2_notes.py': `from alembic import op
import sqlalchemy as sa
revision = "b2"
down_revision = "a1"
def upgrade():
    op.add_column("orders", sa.Column("note", sa.Text))
    op.create_index("orders_note_idx", "orders", ["note"])
def downgrade():
    pass
`,
    },
    brings: [
      'a1_orders.py: column orders.id, column orders.total, constraint orders.orders_pkey, table orders, sequence orders_id_seq',
      'b2_notes.py: column orders.note, index orders.orders_note_idx',
    ],
  },
  {
    tool: 'rails',
    title: 'Rails (ActiveRecord)',
    needs: 'activerecord',
    command: 'ruby migrate.rb',
    migrations: '{ path: db/migrate }',
    table: 'orders',
    ledger: /^(schema_migrations|ar_)/,
    files: {
      'migrate.rb': `require 'active_record'
ActiveRecord::Base.establish_connection(ENV.fetch('DATABASE_URL'))
ActiveRecord::Base.logger = nil
ActiveRecord::MigrationContext.new(File.expand_path('db/migrate', __dir__), ActiveRecord::SchemaMigration).migrate
`,
      Gemfile: `gem 'rails'
`,
      'db/migrate/20260101000000_create_orders.rb': `class CreateOrders < ActiveRecord::Migration[6.1]
  def change
    create_table(:orders) { |t| t.decimal :total; t.timestamps }
  end
end
`,
      'db/migrate/20260102000000_add_note.rb': `class AddNote < ActiveRecord::Migration[6.1]
  disable_ddl_transaction!
  def change
    enable_extension 'pgcrypto'
    add_column :orders, :note, :text
    add_index :orders, :note, algorithm: :concurrently
  end
end
`,
    },
    brings: [
      '20260101000000_create_orders.rb: column orders.created_at, column orders.id, column orders.total, column orders.updated_at, constraint orders.orders_pkey, table orders, sequence orders_id_seq',
      '20260102000000_add_note.rb: extension pgcrypto, column orders.note, index orders.index_orders_on_note',
    ],
  },
  {
    tool: 'laravel',
    title: 'Laravel (Illuminate)',
    needs: 'illuminate',
    command: 'php migrate.php',
    migrations: '{ path: database/migrations }',
    table: 'orders',
    ledger: /^migrations/,
    files: {
      'migrate.php': `<?php
require 'Illuminate/Database/autoload.php';
require 'Illuminate/Filesystem/autoload.php';
use Illuminate\\Database\\Capsule\\Manager; use Illuminate\\Database\\Migrations\\{DatabaseMigrationRepository, Migrator}; use Illuminate\\Filesystem\\Filesystem; use Illuminate\\Support\\Facades\\Facade;
$capsule = new Manager();
$capsule->addConnection(['driver' => 'pgsql', 'host' => getenv('DB_HOST') ?: getenv('PGHOST'), 'port' => getenv('PGPORT'), 'database' => getenv('PGDATABASE'), 'username' => getenv('PGUSER'), 'password' => getenv('PGPASSWORD'), 'charset' => 'utf8', 'schema' => 'public']);
$capsule->setAsGlobal();
$app = $capsule->getContainer(); $app->instance('db', $capsule->getDatabaseManager()); $app->bind('db.schema', fn () => $capsule->getConnection()->getSchemaBuilder()); Facade::setFacadeApplication($app);
$repository = new DatabaseMigrationRepository($capsule->getDatabaseManager(), 'migrations');
$migrator = new Migrator($repository, $capsule->getDatabaseManager(), new Filesystem());
if (!$migrator->repositoryExists()) $repository->createRepository();
$migrator->run([__DIR__ . '/database/migrations']);
`,
      'database/migrations/2026_01_01_000000_create_orders_table.php': `<?php
use Illuminate\\Database\\Migrations\\Migration; use Illuminate\\Database\\Schema\\Blueprint; use Illuminate\\Support\\Facades\\Schema;
class CreateOrdersTable extends Migration { public function up() { Schema::create('orders', function (Blueprint $table) { $table->id(); $table->decimal('total'); }); } }
`,
      'database/migrations/2026_01_02_000000_add_note.php': `<?php
use Illuminate\\Database\\Migrations\\Migration; use Illuminate\\Database\\Schema\\Blueprint; use Illuminate\\Support\\Facades\\Schema;
class AddNote extends Migration { public function up() { Schema::table('orders', function (Blueprint $table) { $table->text('note')->nullable(); $table->index('note'); }); } }
`,
    },
    brings: [
      '2026_01_01_000000_create_orders_table: column orders.id, column orders.total, constraint orders.orders_pkey, table orders, sequence orders_id_seq',
      '2026_01_02_000000_add_note: column orders.note, index orders.orders_note_index',
    ],
  },
  {
    tool: 'prisma',
    title: 'Prisma',
    needs: 'prisma',
    command: 'npx prisma migrate deploy',
    migrations: '{ path: prisma/migrations }',
    table: 'orders',
    ledger: /^_prisma/,
    files: {
      'prisma.config.mjs': `import { PrismaPg } from '@prisma/adapter-pg'
import { defineConfig } from 'prisma/config'

export default defineConfig({
  engine: 'js',
  experimental: { adapter: true },
  adapter: async () => new PrismaPg({ connectionString: process.env.DATABASE_URL }),
})
`,
      'prisma/schema.prisma': `datasource db {
  provider = "postgresql"
  url      = env("DATABASE_URL")
}

model orders {
  id          BigInt  @id
  total       Decimal
  reference   String? @unique
  status_note String?
}
`,
      'prisma/migrations/migration_lock.toml': `provider = "postgresql"
`,
      'prisma/migrations/20260101000000_orders/migration.sql': `CREATE TABLE orders (id bigint PRIMARY KEY, total numeric NOT NULL);
`,
      'prisma/migrations/20260102000000_notes/migration.sql': `ALTER TABLE orders ADD COLUMN note text;
CREATE INDEX orders_note_idx ON orders (note);
`,
    },
    brings: [
      '20260101000000_orders: column orders.id, column orders.total, constraint orders.orders_pkey, table orders',
      '20260102000000_notes: column orders.note, index orders.orders_note_idx',
    ],
  },
]
