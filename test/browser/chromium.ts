/** A Chromium of this machine: nothing is downloaded but by the system's own package manager, and that only as root. */
import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

const run = promisify(execFile)

/** The path of its binary; null, and the reason on the console: there is none, so that the tests skip. */
export async function findChromium(): Promise<string | null> {
  const found = await onPath()
  if (found !== null) return found
  if (process.getuid?.() !== 0 || (await which('apt-get')) === null) {
    console.log(`skipped: no browser: install ${NAMES.join(' or ')}, or run this as root where there is apt-get`)
    return null
  }
  try {
    await run('apt-get', ['update', '-qq'])
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
  } catch (error) {
    console.log(`skipped: no browser: apt-get could not install chromium: ${String(error)}`)
  }
  return onPath()
}

async function onPath(): Promise<string | null> {
  for (const name of NAMES) {
    const path = await which(name)
    if (path !== null) return path
  }
  return null
}

async function which(name: string): Promise<string | null> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name)
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (runs) return path
  }
  return null
}
