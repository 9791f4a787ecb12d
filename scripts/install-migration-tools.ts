/**
 * Installs the migration tools of test/journeys/catalogue.test.ts, each once: golang-migrate by `go`, Flyway by `mvn`, Prisma by
 * `npm`; and those of test/release/command whose migrations are code, by `npm` and `pip`. What cannot be had here is said, and its tests
 * say that they skip.
 */
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { codeToolsFolder, NODE_PACKAGES, PYTHON_PACKAGES } from '../test/support/code-tools.ts'
import { PINNED, toolFolder, type InstalledTool } from '../test/support/migration-tools.ts'

const run = promisify(execFile)

interface Installer {
  /** What it needs to be here. */
  readonly needs: readonly string[]
  install(folder: string): Promise<void>
}

/** Flyway's command line is made for every database: these are what it needs for PostgreSQL. */
const FLYWAY_JARS: readonly (readonly [group: string, artifact: string, version: string])[] = [
  ['org.flywaydb', 'flyway-commandline', PINNED.flyway],
  ['org.flywaydb', 'flyway-core', PINNED.flyway],
  ['org.flywaydb', 'flyway-database-postgresql', PINNED.flyway],
  ['org.postgresql', 'postgresql', '42.7.8'],
  ['com.fasterxml.jackson.core', 'jackson-core', '2.19.1'],
  ['com.fasterxml.jackson.core', 'jackson-databind', '2.19.1'],
  ['com.fasterxml.jackson.core', 'jackson-annotations', '2.19.1'],
  ['com.fasterxml.jackson.dataformat', 'jackson-dataformat-toml', '2.19.1'],
  ['com.fasterxml.jackson.datatype', 'jackson-datatype-jsr310', '2.19.1'],
]

function dependency([group, artifact, version]: (typeof FLYWAY_JARS)[number]): string {
  return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>
    <exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions></dependency>`
}

/** A command that runs for a second gains nothing from the second compiler, and much from classes that are kept as they were loaded. */
const FLYWAY_LAUNCHER = `#!/bin/sh
here="$(cd "$(dirname "$0")" && pwd)"
kept="$here/classes.jsa"
if [ -f "$kept" ]; then classes="-XX:SharedArchiveFile=$kept"; else classes="-XX:ArchiveClassesAtExit=$kept"; fi
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC "$classes" -Xlog:cds=off -Xlog:cds+dynamic=off \\
  -cp "$(echo "$here"/lib/*.jar | tr ' ' ':')" org.flywaydb.commandline.Main "$@"
`

async function writeProgram(file: string, text: string): Promise<void> {
  await writeFile(file, text)
  await chmod(file, 0o755)
}

const INSTALLERS: Readonly<Record<InstalledTool, Installer>> = {
  'golang-migrate': {
    needs: ['go'],
    install: async (folder) => {
      const module = `github.com/golang-migrate/migrate/v4/cmd/migrate@v${PINNED['golang-migrate']}`
      await run('go', ['install', '-tags', 'postgres', module], { env: { ...process.env, GOBIN: folder } })
    },
  },
  flyway: {
    needs: ['java', 'mvn'],
    install: async (folder) => {
      const project = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
        <groupId>tools</groupId><artifactId>flyway</artifactId><version>1</version><packaging>pom</packaging>
        <dependencies>${FLYWAY_JARS.map(dependency).join('\n')}</dependencies></project>`
      await writeFile(join(folder, 'pom.xml'), project)
      await run('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=lib'], { cwd: folder })
      await writeProgram(join(folder, 'flyway'), FLYWAY_LAUNCHER)
    },
  },
  prisma: {
    needs: ['npm'],
    install: async (folder) => {
      const dependencies = { prisma: PINNED.prisma, '@prisma/adapter-pg': '7.10.1' }
      await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }))
      await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder })
      // Asked whether it can reach the database before the engine in WebAssembly is.
      await writeProgram(join(folder, 'engine'), '#!/bin/sh\nexit 0\n')
    },
  },
}

async function isHere(program: string): Promise<boolean> {
  return run('sh', ['-c', `command -v ${program}`]).then(
    () => true,
    () => false,
  )
}

/** Whether all is well: it is there, or cannot be had. */
async function install(title: string, folder: string, installer: Installer): Promise<boolean> {
  if (existsSync(folder)) return told(true, `${title}: is there`)
  for (const program of installer.needs) {
    if (!(await isHere(program))) return told(true, `${title}: skipped, there is no ${program} here`)
  }
  await mkdir(dirname(folder), { recursive: true })
  // Half an installation must not be taken for one.
  const draft = await mkdtemp(`${folder}-`)
  try {
    await installer.install(draft)
    await rename(draft, folder)
    return told(true, `${title}: installed`)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    return told(false, `${title}: could not be installed: ${String(error)}`)
  }
}

const NODE: Installer = {
  needs: ['npm'],
  install: async (folder) => {
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: NODE_PACKAGES }))
    await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder })
  },
}

/** Programs of a virtual environment name its place in their first line, so they are asked for as modules. */
const PYTHON: Installer = {
  needs: ['python3'],
  install: async (folder) => {
    await run('python3', ['-m', 'venv', folder])
    const wanted = Object.entries(PYTHON_PACKAGES).map(([name, version]) => `${name}==${version}`)
    await run(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', ...wanted])
  },
}

function told(outcome: boolean, text: string): boolean {
  console.log(text)
  return outcome
}

const outcomes: boolean[] = []
for (const name of Object.keys(INSTALLERS) as InstalledTool[])
  outcomes.push(await install(`${name} ${PINNED[name]}`, toolFolder(name), INSTALLERS[name]))
outcomes.push(await install(Object.keys(NODE_PACKAGES).join(', '), codeToolsFolder('node'), NODE))
outcomes.push(await install(Object.keys(PYTHON_PACKAGES).join(', '), codeToolsFolder('python'), PYTHON))
process.exitCode = outcomes.every(Boolean) ? 0 : 1
