/** Runs an example as its own process: without a terminal, without colour, without the network. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** `onOutput` hears all that was written to stdout so far, and may send signals. */
export async function runExample(
  file: string,
  env: Readonly<Record<string, string>> = {},
  onOutput: (out: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
  args: readonly string[] = [],
): Promise<Ended> {
  const inherited = { ...process.env }
  for (const name of ['FORCE_COLOR', 'PCA_STORE', 'PCA_AGENT', 'NODE_OPTIONS', 'VITEST'])
    delete inherited[name]
  const child = spawn(process.execPath, [join('examples', file), ...args], {
    cwd: root,
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
    onOutput(out, (signal) => child.kill(signal))
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, out, err }
}

/** The lines in which `text` occurs. */
export function linesWith(out: string, text: string): readonly string[] {
  return out.split('\n').filter((line) => line.includes(text))
}
