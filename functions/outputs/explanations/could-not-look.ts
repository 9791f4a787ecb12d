import type { GroupExplanations } from './explanation.ts'

const AGAIN = { text: 'look again', command: 'npx deploywatch check --env ENV' }

export const COULD_NOT_LOOK_EXPLANATIONS: GroupExplanations<'could-not-look'> = {
  'database-unreachable': {
    title: 'the database did not answer',
    meaning:
      'No connection came about: the name does not resolve, the port is closed, TLS failed, the server refuses, or there is no writer. Nothing was seen, so the verdict is unsure. It says nothing about the schema.',
    causes: [
      'network: the runner is not in the VPC, a security group does not let port 5432 in, or a VPN is down',
      'host, port or database name in `environments.ENV.database` is wrong',
      'TLS: the certificate is not trusted (on RDS: `ca: rds`) or is for another name',
      'the server is down, failing over, starting, or has no connection left',
    ],
    steps: [
      { text: 'see whether the port is open from here', command: 'pg_isready -h HOST -p 5432 -d NAME' },
      {
        text: 'see how the cluster is',
        command: `aws rds describe-db-clusters --db-cluster-identifier CLUSTER --query 'DBClusters[0].[Status,Endpoint,VpcSecurityGroups]'`,
      },
      {
        text: 'on Aurora without a way in, use the Data API: `cluster` and `secret` in place of `host`',
        command: null,
      },
      AGAIN,
    ],
  },
  'database-resuming': {
    title: 'the cluster is waking up, and was not awake in time',
    meaning:
      'An Aurora Serverless cluster that had paused itself was asked, and begins to resume: usually about 15 seconds, 30 and more after a long pause. The look waited as long as its deadline allowed.',
    causes: [
      'auto-pause is on (minimum capacity 0), and nobody had used the database',
      'the deadline of the look is shorter than the resume',
    ],
    steps: [
      { text: 'wait half a minute: this look has woken it', command: 'sleep 30 && npx deploywatch check --env ENV' },
      {
        text: 'where that happens in production, give it a minimum capacity above 0',
        command:
          'aws rds modify-db-cluster --db-cluster-identifier CLUSTER --serverless-v2-scaling-configuration MinCapacity=0.5,MaxCapacity=8',
      },
    ],
  },
  'permission-denied': {
    title: 'the role that looks may not read what it has to',
    meaning:
      'The server (42501) or IAM refused a read, mostly of the ledger table or of a schema. What cannot be read is not judged. A role that can only read is enough: no look needs to write.',
    causes: [
      'the role has no SELECT on the ledger, or no USAGE on its schema',
      'the ledger was made anew by another owner, and the grant was lost',
      'Data API: the IAM role lacks `rds-data:ExecuteStatement` on the cluster, or `rds-data:BeginTransaction`',
    ],
    steps: [
      {
        text: 'print the exact grants, and have the owner of the tables run them',
        command: 'npx deploywatch init --grants',
      },
      { text: 'Data API: see who is asking, then its policies', command: 'aws sts get-caller-identity' },
      AGAIN,
    ],
  },
  'credentials-invalid': {
    title: 'user, password, token or secret were not accepted',
    meaning:
      'The server was reached and did not let us in (28P01, 28000), or the secret could not be read. Nothing was seen. Passwords and secrets are never printed.',
    causes: [
      'the password was rotated, and the secret or the variable of the job has the old one',
      'the secret is in another region or account, or its KMS key may not be used for decrypting',
      'IAM: the token is for another user or host, is older than 15 minutes, or the user lacks `GRANT rds_iam`',
      'a special character in the password of a URL is not percent-encoded',
    ],
    steps: [
      {
        text: 'see whether the secret is readable from here, and when it changed (this prints no password)',
        command: 'aws secretsmanager describe-secret --secret-id SECRET',
      },
      {
        text: 'see whether it may be read (this prints its length only)',
        command: `aws secretsmanager get-secret-value --secret-id SECRET --query 'length(SecretString)'`,
      },
      { text: 'IAM: let the user log in with tokens', command: `psql "$ADMIN_URL" -c 'GRANT rds_iam TO ROLE_NAME'` },
    ],
  },
  'data-api-disabled': {
    title: 'the cluster has its Data API switched off',
    meaning:
      'The config names a cluster, so the look goes through the RDS Data API, and the HTTP endpoint of this cluster is not enabled. It works on Aurora only, and only through the writer; instances of class T have none.',
    causes: [
      'it was never switched on for this cluster, or the cluster was restored from a snapshot',
      'the engine version, instance class or region does not offer it',
      'the ARN is of another cluster',
    ],
    steps: [
      { text: 'switch it on (needs no restart)', command: 'aws rds enable-http-endpoint --resource-arn CLUSTER_ARN' },
      {
        text: 'see whether it is on',
        command: `aws rds describe-db-clusters --db-cluster-identifier CLUSTER --query 'DBClusters[0].HttpEndpointEnabled'`,
      },
      {
        text: 'where it cannot be had, connect over the wire: `host`, `name`, `user` in place of `cluster`',
        command: null,
      },
      AGAIN,
    ],
  },
  'check-timeout': {
    title: 'the look did not end within its deadline',
    meaning:
      'The database answered, too slowly: a statement or the whole look ran out of time. What was seen until then is reported; the rest is not judged.',
    causes: [
      'the database is overloaded, or short of memory after a fail-over or resume',
      'a configured query reads far more here than in lower environments',
      'the first full look at a very large schema; later ones need only a fraction of it',
    ],
    steps: [
      {
        text: 'see what keeps the server busy',
        command: `psql "$DATABASE_URL" -c "SELECT pid, state, wait_event, now() - query_start AS since, left(query, 60) AS query FROM pg_stat_activity WHERE state <> 'idle' ORDER BY query_start"`,
      },
      {
        text: 'see which check took the time (`checks` of the report)',
        command: 'npx deploywatch check --env ENV --format json',
      },
      { text: 'give a slow query of the config a LIMIT or an index', command: null },
    ],
  },
  'look-blocked': {
    title: 'a lock stood in the way of the look',
    meaning:
      'A session holds a lock, mostly an open ALTER TABLE, and the look gave up within a second so as not to stand in the way itself. The finding names that session. Application queries on the same table wait as well.',
    causes: [
      'a migration is running right now: look again when it has ended',
      'a transaction with DDL was left open: a console, or a job that hangs',
      'an ALTER TABLE waits for a long transaction, and everything queues behind it',
    ],
    steps: [
      {
        text: 'see who blocks whom',
        command: `psql "$DATABASE_URL" -c "SELECT pid, usename, application_name, state, now() - xact_start AS since, pg_blocking_pids(pid) AS blocked_by FROM pg_stat_activity WHERE xact_start IS NOT NULL ORDER BY xact_start"`,
      },
      {
        text: 'where its owner agrees, end that session; its transaction is rolled back',
        command: `psql "$DATABASE_URL" -c 'SELECT pg_terminate_backend(PID)'`,
      },
      AGAIN,
    ],
  },
  'ledger-unsupported': {
    title: 'the ledger belongs to a tool that is known, and cannot be read yet',
    meaning:
      'The table was recognised by its columns, but which migrations it counts cannot be said in the terms of the release. The ledger is not judged; the schema still is where a replay or another source gives it.',
    causes: [
      'the tool is not supported yet, or a version of it with another table',
      'the table is that of another service, and the one that was meant has another name',
    ],
    steps: [
      {
        text: 'see which tools there are: `migrations.tool` in deploywatch.yaml takes their names',
        command: 'npx deploywatch init',
      },
      { text: 'where the table is not yours, name the right one under `migrations.table`', command: null },
      {
        text: 'compare the objects instead: `schema.replay.mode: dump` with a structure file, or `environment`',
        command: 'pg_dump --schema-only "$DATABASE_URL" > structure.sql',
      },
    ],
  },
  'evidence-unreadable': {
    title: 'a file of evidence could not be read',
    meaning:
      'What another environment showed of this release is in a file (`deploywatch.evidence.ENV.json`) or in the store, and that is damaged, of a newer version, or not accessible. Causes, estimates and comparisons that rest on it are left out, never guessed.',
    causes: [
      'the file was cut or edited, or a merge left its marks in it',
      'a newer deploywatch wrote it than the one that reads it',
      'the bucket or folder of the store may not be read from here, or its KMS key may not be used',
    ],
    steps: [
      {
        text: 'see whether it is JSON, and its version',
        command: `node -p 'JSON.parse(require("fs").readFileSync("deploywatch.evidence.ENV.json", "utf8")).schema'`,
      },
      { text: 'record it anew where that environment is reachable', command: 'npx deploywatch record --env staging' },
      { text: 'see whether the store can be read', command: 'aws s3 ls s3://STORE/' },
    ],
  },
  'release-unknown': {
    title: 'it is not known which release this is about',
    meaning:
      'A deployment was announced, or a look was asked for, and no manifest matches it. Judging by another release would be a guess, so nothing is judged.',
    causes: [
      'the manifest was not published when the release was built, or to another store',
      'the artifact, image or stack does not carry the version or commit that the manifest was built with',
      'the store cannot be read from here',
    ],
    steps: [
      {
        text: 'build the manifest in CI, with the version that is deployed',
        command: 'npx deploywatch build --release-version VERSION --commit "$(git rev-parse HEAD)"',
      },
      { text: 'publish it before the deployment', command: 'npx deploywatch publish' },
      { text: 'or name it', command: 'npx deploywatch check --env ENV --release deploywatch.release.json' },
    ],
  },
}
