import type { GroupExplanations } from './explanation.ts'

const AUDIT = { text: 'read the pipelines again', command: 'npx deploywatch audit' }

export const ENVIRONMENT_EXPLANATIONS: GroupExplanations<'environments'> = {
  'environment-behind': {
    title: 'one environment lacks migrations that another one has',
    meaning:
      'The finding names what is missing and since when the other environment has it. Being behind for an hour is how releases travel; being behind for weeks is how incidents begin.',
    causes: [
      'the release has not been promoted yet: nothing is wrong',
      'deployments go there without a migration step',
      'migrations stopped there at a failed one',
    ],
    steps: [
      { text: 'see what is where', command: 'npx deploywatch compare staging ENV' },
      { text: 'see whether its pipeline migrates', command: 'npx deploywatch audit' },
      { text: 'see how long catching up takes', command: 'npx deploywatch estimate --env ENV' },
    ],
  },
  'pipeline-step-missing': {
    title: 'a pipeline deploys to an environment without migrating it',
    meaning:
      'In the definition, the job or stage of this environment has no step that runs the migrations. It will finish green and leave the database as it was. A missing check step is reported under this code too, as information only.',
    causes: [
      'the step exists for lower environments only, or was lost when the pipeline was copied',
      'migrations are run by hand, or by another pipeline that this one does not know',
      'the step has a name or command that is not recognised',
    ],
    steps: [
      {
        text: 'put this before the deployment step of the environment',
        command: 'npx deploywatch migrate --env ENV -- COMMAND',
      },
      {
        text: 'where another pipeline migrates, at least check before deploying',
        command: 'npx deploywatch check --env ENV',
      },
      AUDIT,
    ],
  },
  'pipeline-order': {
    title: 'the steps of a pipeline are in the wrong order',
    meaning:
      'Migrate, confirm, then deploy: here the deployment, or the check, comes before the migration, or runs beside it. New code then meets the old schema for as long as the migration takes, and for good when it fails.',
    causes: [
      'jobs without `needs:` (or `runOrder`, `dependencies`) run side by side',
      'the migration runs after the deployment, as a clean-up step',
      'a hook of the chart, or a job of the cluster, that runs after the new version is there',
    ],
    steps: [
      {
        text: 'make the deployment depend on the check, and the check on the migration (`needs: [migrate]`)',
        command: null,
      },
      {
        text: 'or do both in one step, which fails when the schema is not confirmed',
        command: 'npx deploywatch migrate --env ENV -- COMMAND',
      },
      AUDIT,
    ],
  },
  'pipeline-step-conditional': {
    title: 'a migration or check step can be left out, or can fail unnoticed',
    meaning:
      'The step stands under a condition, or its failure is ignored, while the deployment goes on. It is the kind of step that ran for weeks in every lower environment and not in production.',
    causes: [
      'an `if:`, `only:`, `rules:` or path filter that does not hold for this environment',
      '`continue-on-error: true`, `allow_failure: true`, or `|| true` after the command',
      'a manual approval or an input that is skipped by default',
    ],
    steps: [
      { text: 'take the condition away, or give the deployment the same one', command: null },
      {
        text: 'where it is there to save time, keep the check at least: an unchanged one takes a fraction of a second',
        command: 'npx deploywatch check --env ENV',
      },
      AUDIT,
    ],
  },
  'pipeline-unreadable': {
    title: 'a pipeline definition could not be read or understood',
    meaning:
      'The file is missing, is no valid YAML, or gets its steps from elsewhere, so whether it migrates cannot be said. It is not judged, and does not pass.',
    causes: [
      'the path under `pipelines:` does not exist, or the file has a syntax error',
      'the steps come from a reusable workflow, template, include or generator outside this repository',
      'a command or an environment stands in a variable, so that nobody can say which one it is',
    ],
    steps: [
      { text: 'see what is there', command: 'ls -l .github/workflows .gitlab-ci.yml buildspec.yml' },
      { text: 'name the files that hold the steps under `pipelines:` in deploywatch.yaml', command: null },
      AUDIT,
    ],
  },
}
