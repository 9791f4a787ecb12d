/** `demo`: replays the incident on this machine, with and without Deploywatch. */
import { playDemo } from '../../local/demo/demo.ts'
import { openScreen } from '../../local/demo/screen.ts'
import type { CliIo } from '../io.ts'
import { showsColor } from '../io.ts'

/** What shells answer for a process that a signal ended: 128 and the signal's number. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const

/** Ctrl-C ends the play where it is: servers are closed and the folder is removed before the process goes. */
export async function run({ stdout, env }: CliIo): Promise<number> {
  const ending = new AbortController()
  let signalled: number | null = null
  const listeners = Object.entries(SIGNALS).map(([signal, code]) => {
    const listener = (): void => {
      signalled = code
      ending.abort()
    }
    process.once(signal, listener)
    return () => process.off(signal, listener)
  })
  try {
    return await playDemo({
      screen: openScreen({
        write: (text) => stdout.write(text),
        terminal: stdout.isTTY === true,
        colors: showsColor(stdout, env),
        signal: ending.signal,
      }),
      signal: ending.signal,
      // This very program: what the demo calls `npx deploywatch` is what was started here.
      program: [process.execPath, ...process.execArgv, process.argv[1] ?? ''],
      env,
    })
  } catch (error) {
    if (signalled !== null) return signalled
    throw error
  } finally {
    for (const remove of listeners) remove()
  }
}
