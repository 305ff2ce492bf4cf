/**
 * One line at the foot of a terminal that says what is going on now, and for how long.
 *
 * F1  It is erased before anything else is written, by whomever: no other line is torn or lost.
 * F2  Where there is no terminal, or one that cannot erase, there is none.
 */
import { cut } from './text.ts'
import type { Pen } from './screen.ts'

const EVERY_MS = 100
const TURNS = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const ERASE = '\r\u001b[K'

/** Shows what `said` gives, again and again, until it is disposed of; an empty text shows nothing. */
export function statusLine(pen: Pen, said: () => string): Disposable {
  if (!pen.isTerminal || process.env['TERM'] === 'dumb') return { [Symbol.dispose]: () => undefined }
  const write = process.stderr.write.bind(process.stderr)
  let [isShown, isFree, turn] = [false, true, 0]
  const erase = (): void => {
    if (isShown) write(ERASE)
    isShown = false
  }
  const streams = [process.stdout, process.stderr].map((stream) =>
    heard(stream, (text) => {
      erase()
      // Somebody is in the middle of a line.
      if (stream.isTTY && text !== '') isFree = text.endsWith('\n')
    }),
  )
  const timer = setInterval(() => {
    const text = isFree ? said() : ''
    if (text === '') return erase()
    turn += 1
    write(`${ERASE}${pen.paint('dim', cut(`${TURNS[turn % TURNS.length]} ${text}`, pen.columns - 1))}`)
    isShown = true
  }, EVERY_MS)
  timer.unref()
  process.on('exit', erase)
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer)
      erase()
      process.off('exit', erase)
      for (const stream of streams) stream[Symbol.dispose]()
    },
  }
}

/** Hears of every text before it is written to `stream`. */
function heard(stream: NodeJS.WriteStream, before: (text: string) => void): Disposable {
  const write = stream.write.bind(stream)
  const hears = (...given: Parameters<typeof write>): boolean => {
    const [chunk] = given
    before(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1'))
    return write(...given)
  }
  Reflect.set(stream, 'write', hears)
  return { [Symbol.dispose]: () => void Reflect.set(stream, 'write', write) }
}
