/** What a program prints on the Node that runs the tests. */
import { Console } from 'node:console'
import { Writable } from 'node:stream'

const AsyncFunction = (async () => {}).constructor as new (
  ...texts: string[]
) => (console: Console) => Promise<void>

/** All that `source` printed, with what it threw as the last line. The console's own depth is Node's. */
export async function printedOnNode(source: string): Promise<string> {
  let text = ''
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString()
      done()
    },
  })
  try {
    await new AsyncFunction('console', source)(new Console({ stdout: stream, stderr: stream }))
  } catch (error) {
    const { name, message } = error as Error
    text += `! ${name}: ${message}`
  }
  return text
}
