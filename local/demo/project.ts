/** The order service of the demo, as its repository: written to a temporary folder, where the real commands run. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** What runs in production when the story begins, and what is to be deployed. */
export type ReleaseVersion = '1.41.0' | '1.42.0'
export const OLD_RELEASE: ReleaseVersion = '1.41.0'
export const NEW_RELEASE: ReleaseVersion = '1.42.0'

export const WORKFLOW = '.github/workflows/deploy.yml'
export const MIGRATIONS = 'db/migration'
export const NEW_MIGRATION = 'V4__add_status_note.sql'

const MIGRATION_FILES: Readonly<Record<string, string>> = {
  'V1__create_customers.sql': `CREATE TABLE customers (
  id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email text NOT NULL UNIQUE
);
`,
  'V2__create_orders.sql': `CREATE TABLE orders (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id bigint NOT NULL REFERENCES customers (id),
  total_cents integer NOT NULL CHECK (total_cents >= 0),
  status      text NOT NULL DEFAULT 'placed',
  placed_at   timestamptz NOT NULL DEFAULT now()
);
`,
  'V3__orders_by_customer.sql': `CREATE INDEX orders_by_customer ON orders (customer_id, placed_at DESC);
`,
  [NEW_MIGRATION]: `-- Support tells customers why an order waits.
ALTER TABLE orders ADD COLUMN status_note text;
CREATE INDEX orders_with_note ON orders (placed_at) WHERE status_note IS NOT NULL;
`,
}

/** The line that act two adds to the pipeline. */
export const CHECK_COMMAND = 'npx deploywatch check --env production'

/** As the staging job runs it, and as the check suggests it. */
export const MIGRATE = `flyway -locations=filesystem:${MIGRATIONS} migrate`

/**
 * The pipeline. Staging migrates; production never did: that is the incident.
 *
 * @param checked with the one line by which Deploywatch stands in front of the deployment.
 */
export function workflowText(checked: boolean): string {
  return `name: deploy
on:
  push: { branches: [main] }
jobs:
  staging:
    environment: staging
    runs-on: ubuntu-latest
    steps:
      - run: ${MIGRATE}
      - run: ./deploy ${NEW_RELEASE}
      - run: curl --fail $ORDERS_URL/health
  production:
    needs: staging
    environment: production
    runs-on: ubuntu-latest
    steps:
${checked ? `      - run: ${CHECK_COMMAND}\n` : ''}      - run: ./deploy ${NEW_RELEASE}
      - run: curl --fail $ORDERS_URL/health
`
}

/** The page of an order, as each release asks the database for it. $1 is the order. */
export const ORDER_PAGE: Readonly<Record<ReleaseVersion, string>> = {
  '1.41.0': 'SELECT id, status, total_cents FROM orders WHERE id = $1',
  '1.42.0': 'SELECT id, status, total_cents, status_note FROM orders WHERE id = $1',
}

export interface DataApiAddress {
  readonly cluster: string
  readonly secret: string
  readonly name: string
  readonly endpoint: string
}

function databaseText({ cluster, secret, name, endpoint }: DataApiAddress): string {
  return `    database:
      cluster: "${cluster}"
      secret: "${secret}"
      name: ${name}
      region: eu-west-1
      endpoint: ${endpoint}
`
}

function configText(addresses: Readonly<Record<EnvironmentName, DataApiAddress>>): string {
  return `service: orders
migrations:
  tool: flyway
  path: ${MIGRATIONS}
queries:
  - name: order-page
    sql: ${ORDER_PAGE[NEW_RELEASE]}
environments:
  staging:
${databaseText(addresses.staging)}  production:
${databaseText(addresses.production)}pipelines: [${WORKFLOW}]
`
}

export type EnvironmentName = 'staging' | 'production'

/** Writes the repository. The workflow is the one without the check. */
export async function writeProject(
  folder: string,
  addresses: Readonly<Record<EnvironmentName, DataApiAddress>>,
): Promise<void> {
  const migrations = Object.entries(MIGRATION_FILES).map(([name, text]) => [`${MIGRATIONS}/${name}`, text] as const)
  const files = [
    ...migrations,
    ['deploywatch.yaml', configText(addresses)],
    ['package.json', `${JSON.stringify({ name: 'orders', version: NEW_RELEASE, private: true }, null, 2)}\n`],
    [WORKFLOW, workflowText(false)],
  ] as const
  for (const [name, text] of files) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
}
