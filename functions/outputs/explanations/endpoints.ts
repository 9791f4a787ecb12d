import type { GroupExplanations } from './explanation.ts'

export const ENDPOINT_EXPLANATIONS: GroupExplanations<'endpoints'> = {
  'endpoint-failed': {
    title: 'an endpoint gave no answer, or another status than expected',
    meaning:
      'The connection was refused or reset, the name or the certificate did not hold, time ran out, the status is not `expect.status`, or the host (also of a redirect) is not among the `hosts` of the environment. Before a deployment endpoints are sampled only; they are judged with `check --deployed` and in `watch`.',
    causes: [
      'the new release fails at start or at this route, often on a missing column or a missing setting',
      'the token or header of the check has expired: a 401 or 403',
      'no healthy target is behind the load balancer yet, or a rule, DNS record or certificate was changed',
    ],
    steps: [
      { text: 'ask it yourself', command: 'curl -sS -i --max-time 10 URL' },
      { text: 'see whether the database fits the release', command: 'npx deploywatch check --env ENV' },
      { text: 'where the host is right and not allowed, add it under `hosts` of the environment', command: null },
    ],
  },
  'endpoint-slow': {
    title: 'an endpoint is slower than it may be, or than it was',
    meaning:
      'Status and content were as expected, and the answer took longer than `expect.maxMillis`, or a watch found it at least twice as slow as before the deployment, beyond chance (Mann-Whitney, 99 %), to its end.',
    causes: [
      'cold start: new instances or functions, empty caches, a resuming database',
      'a query behind it is slow: a missing index, old statistics',
      'the distance: the check runs in another region than users do',
    ],
    steps: [
      {
        text: 'see where the time goes',
        command: `curl -sS -o /dev/null -w 'dns %{time_namelookup} connect %{time_connect} tls %{time_appconnect} first byte %{time_starttransfer} total %{time_total}\\n' URL`,
      },
      { text: 'look at schema and queries', command: 'npx deploywatch check --env ENV --deployed' },
      {
        text: 'where it is slow only at first, let the watch run its window',
        command: 'npx deploywatch watch --env ENV',
      },
    ],
  },
  'endpoint-result': {
    title: 'an endpoint answered, but not what it should',
    meaning:
      'The status is right, and a header or body assertion under `expect` does not hold, or the body is no JSON where JSON was expected. A page that says 200 and holds an error is found here.',
    causes: [
      'the application answers from a fallback or a cached error page',
      'a proxy, CDN or login page answers in its place',
      'the answer was changed by the release, and the check was not',
    ],
    steps: [
      { text: 'read the answer', command: 'curl -sS -i --max-time 10 URL' },
      { text: 'compare it with `expect` of this endpoint in deploywatch.yaml', command: null },
      { text: 'look again', command: 'npx deploywatch check --env ENV --deployed' },
    ],
  },
  'revision-mismatch': {
    title: 'another release answers than the one that is judged',
    meaning:
      'The revision that the endpoint tells (`revision:` in the config) is not this release, so its answers prove nothing about it: unsure, never a pass. Revision is asked first, and the other assertions are not held against the wrong release.',
    causes: [
      'the deployment has not reached all instances yet, or was rolled back by itself',
      'a cache or another environment answers at this address',
      'the application tells an old version: a build argument was not passed',
    ],
    steps: [
      { text: 'see what answers', command: 'curl -sS -i --max-time 10 URL' },
      { text: 'wait for the rollout, looking all the while', command: 'npx deploywatch watch --env ENV' },
      {
        text: 'where the version is told wrongly, pass it at build',
        command: 'npx deploywatch build --release-version VERSION',
      },
    ],
  },
}
