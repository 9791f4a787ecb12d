/** The commands and actions that put a release into an environment. */

interface DeployCommand {
  readonly programs: readonly string[]
  /** Words with which it deploys, next to each other; '' for the program alone. */
  readonly deploys: readonly string[]
}

const DEPLOY_COMMANDS: readonly DeployCommand[] = [
  {
    programs: ['kubectl', 'oc'],
    deploys: ['apply', 'replace', 'patch', 'set image', 'set env', 'rollout restart', 'scale'],
  },
  { programs: ['helm'], deploys: ['upgrade', 'install'] },
  { programs: ['helmfile'], deploys: ['apply', 'sync'] },
  { programs: ['argocd'], deploys: ['app sync', 'app set'] },
  {
    programs: ['aws'],
    deploys: [
      'ecs update-service',
      'ecs deploy',
      'deploy create-deployment',
      'lambda update-function-code',
      'lambda update-alias',
      'cloudformation deploy',
      'cloudformation update-stack',
      'cloudformation create-stack',
      'cloudformation execute-change-set',
      'elasticbeanstalk update-environment',
      'apprunner start-deployment',
      'apprunner update-service',
    ],
  },
  {
    programs: [
      'sam',
      'cdk',
      'serverless',
      'sls',
      'sst',
      'eb',
      'copilot',
      'zappa',
      'chalice',
      'skaffold',
      'okteto',
      'kamal',
      'dep',
      'firebase',
      'netlify',
      'wrangler',
      'fly',
      'flyctl',
      'pm2',
      'amplify',
      'now',
      'architect',
    ],
    deploys: ['deploy'],
  },
  { programs: ['wrangler'], deploys: ['publish', 'pages deploy'] },
  { programs: ['zappa'], deploys: ['update'] },
  { programs: ['copilot'], deploys: ['svc deploy', 'app deploy'] },
  { programs: ['skaffold'], deploys: ['run'] },
  { programs: ['werf'], deploys: ['converge'] },
  { programs: ['terraform', 'tofu', 'terragrunt'], deploys: ['apply'] },
  { programs: ['pulumi'], deploys: ['up', 'update'] },
  { programs: ['vercel'], deploys: ['deploy', 'promote', 'alias'] },
  {
    programs: ['gcloud'],
    deploys: ['run deploy', 'app deploy', 'functions deploy', 'run services update', 'deploy releases create'],
  },
  {
    programs: ['az'],
    deploys: [
      'webapp deploy',
      'webapp deployment',
      'containerapp update',
      'containerapp up',
      'functionapp deployment',
      'deployment group create',
      'webapp config container set',
    ],
  },
  { programs: ['heroku'], deploys: ['container:release', 'pipelines:promote', 'deploy:jar'] },
  { programs: ['railway'], deploys: ['up'] },
  { programs: ['docker'], deploys: ['stack deploy', 'service update'] },
  { programs: ['nomad'], deploys: ['job run', 'run'] },
  { programs: ['cap'], deploys: ['deploy'] },
  { programs: ['ecs-deploy'], deploys: [''] },
]

const BUILDS_ONLY = new Set([
  '--dry-run',
  '--dry-run=client',
  '--dry-run=server',
  '--help',
  '-h',
  '--version',
  '--no-execute-changeset',
])

export function isDeployment(program: string, words: readonly string[]): boolean {
  if (words.some((word) => BUILDS_ONLY.has(word))) return false
  // `vercel` alone deploys; `vercel build --prod` only builds.
  if (program === 'vercel' && words.every((word) => word.startsWith('-'))) return true
  if (program === 'git') return words[0] === 'push' && words.some((word) => /^(?:heroku|dokku|piku)/u.test(word))
  return DEPLOY_COMMANDS.some(
    ({ programs, deploys }) =>
      programs.includes(program) &&
      deploys.some((phrase) => {
        const parts = phrase.split(' ')
        const plain = phrase.startsWith('-') ? words : words.filter((word) => !word.startsWith('-'))
        return phrase === '' || plain.some((_, at) => parts.every((part, next) => plain[at + next] === part))
      }),
  )
}

/** Programs that may carry a release somewhere, or something else: they count where nothing else deploys. */
export function mayDeploy(program: string, words: readonly string[]): boolean {
  if (['rsync', 'scp', 'sftp', 'lftp', 'ansible-playbook', 'systemctl'].includes(program)) return true
  if (program === 'aws') return words[0] === 's3' && (words[1] === 'sync' || words[1] === 'cp')
  if (program === 'docker' || program === 'docker-compose')
    return words.includes('compose') || program === 'docker-compose' ? words.includes('up') : false
  return false
}

export function speaksOfDeployment(text: string): boolean {
  return (
    /\b(?:deploy\w*|roll-?out|ship|promote|go-live)\b|\brelease\s+to\b/iu.test(text.replaceAll(/[_:/.]/gu, ' ')) &&
    !/\b(?:check|test|lint|notify|announce|prepare|build|synth|diff|setup|set up|configure|install|deploy key|preview|wait)\b/iu.test(
      text,
    )
  )
}

/** Actions of the marketplace that deploy. */
const DEPLOY_ACTIONS =
  /^(?:aws-actions\/(?:amazon-ecs-deploy-task-definition|aws-cloudformation-github-deploy|aws-lambda-deploy|codedeploy\S*)|azure\/(?:webapps-deploy|k8s-deploy|functions-action|container-apps-deploy-action|arm-deploy|aks-set-context\/deploy)|google-github-actions\/deploy-\w+|cloudflare\/(?:wrangler-action|pages-action)|amondnet\/vercel-action|akhileshns\/heroku-deploy|serverless\/github-action|nwtgck\/actions-netlify|pulumi\/actions|superfly\/flyctl-actions(?:@|$))|\/[\w./-]*deploy/iu

/** What an action of another repository does, as far as its name tells. */
export function readAction(uses: string): 'migrate' | 'deploy' | 'unknown' | null {
  if (/^ariga\/atlas-action\/migrate\/apply|^joshuaavalon\/flyway-action|^supercharge\/.*migrate/u.test(uses))
    return 'migrate'
  if (/setup|lint|login|cache|configure|checkout|labeler|deploy-key|wait/iu.test(uses)) return null
  if (DEPLOY_ACTIONS.test(uses)) return 'deploy'
  return /migrat|flyway|liquibase|schema|database|prisma|alembic|atlas|[/-]db\b|sql/iu.test(uses) ? 'unknown' : null
}
