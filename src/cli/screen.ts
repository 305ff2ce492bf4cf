/**
 * The only way to stdout and stderr. Results go to stdout, progress and errors to stderr.
 *
 * W1  With `--json`, stdout gets JSON lines only.
 * W2  Colour only on a terminal, and not where NO_COLOR or `--no-color` forbids it.
 * W3  A reader that went away (EPIPE) ends the program quietly, or rests the run that it drives; one of stderr, not even that.
 * W4  With `--json`, what the user's own code prints goes to stderr: stdout is for programs (W1).
 */
import { Console } from 'node:console'
import { styleText } from 'node:util'
import type { Settings } from './settings.ts'
import { jsonText } from './text.ts'

export type Paint = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'magenta'

/** One of the two streams. What is given to `line` is safe text already (X1). */
export interface Pen {
  readonly isTerminal: boolean
  /** As wide as it is now. */
  readonly columns: number
  readonly rows: number
  line(text?: string): void
  /** Makes a terminal empty. */
  erase(): void
  paint(paint: Paint, text: string): string
}

export interface Screen {
  readonly json: boolean
  readonly out: Pen
  readonly err: Pen
  /** A line of JSON on stdout. */
  data(value: unknown): void
}

/** What a stream says that nobody reads any more, at first and from then on. */
const GONE: ReadonlySet<string | undefined> = new Set(['EPIPE', 'ERR_STREAM_DESTROYED', 'EOF'])
let onGone: () => void = () => process.exit()

/** In place of ending at once (W3): whoever drives a run has calls in flight. */
export function whenReaderLeaves(act: () => void): void {
  onGone = act
}

export function screenOf(settings: Settings): Screen {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (GONE.has(error.code)) onGone()
    else throw error
  })
  if (settings.json) globalThis.console = new Console(process.stderr, process.stderr)
  process.stderr.on('error', () => undefined)
  return {
    json: settings.json,
    out: penOf(process.stdout, settings.color),
    err: penOf(process.stderr, settings.color),
    data: (value) => void process.stdout.write(`${jsonText(value)}\n`),
  }
}

/** Waits until both streams have given all away, and leaves: what a user's module holds open keeps nobody. */
export async function leave(code: number): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) => stream.write('', () => resolve()))
  }
  process.exit(code)
}

function penOf(stream: NodeJS.WriteStream, color: boolean): Pen {
  const isTerminal = stream.isTTY
  return {
    isTerminal,
    get columns() {
      return stream.columns || Number(process.env['COLUMNS']) || 100
    },
    get rows() {
      return stream.rows || 24
    },
    erase: () => void (isTerminal && stream.write('\u001b[H\u001b[2J\u001b[3J')),
    line: (text = '') => void stream.write(`${text}\n`),
    paint: (paint, text) =>
      color && isTerminal && text !== '' ? styleText(paint, text, { validateStream: false }) : text,
  }
}
