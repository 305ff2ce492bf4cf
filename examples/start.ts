/**
 * `npm start`: a small job, told on the screen. An agent reconciles invoices; its process is killed in the middle of
 * a tool call; another process goes on; a person approves one call; a third process ends the job.
 *
 * This process is the onlooker: it starts the others (itself, with `drive`), kills one, and tells what happens.
 * Every number on the screen is counted or measured in this run.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { rmSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { PersistentCodeAgent, type Decision, type Entry } from '../src/index.ts'
import reconciler, { euros, folder, ledgerPath, storagePath, TASK } from './start/agent.ts'
import { driveForParent, type Told } from './start/drive.ts'
import { readLedger } from './start/ledger.ts'
import { bad, bold, code, codeAround, dim, good, heading, lineOf, say, table } from './start/screen.ts'

/** Its booking is the one that is cut. */
const SLOW = '2026-1004'
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const

/** A call, as the entries that the drivers committed tell it. */
interface Call {
  readonly tool: string
  readonly effect: string
  key?: string
  results: number
}

/** What has been heard of the run so far, from all its processes. */
const story = {
  runId: '',
  entries: 0,
  source: '',
  heap: '',
  calls: new Map<string, Call>(),
  status: '',
}
let child: ChildProcess | undefined
let interruptedBy: keyof typeof EXIT_CODES | undefined
const interruption = new AbortController()

const [, , mode, how, slow] = process.argv
if (mode === 'drive') await driveForParent(how === 'resume' ? 'resume' : 'start', slow)
else process.exitCode = await main()

async function main(): Promise<number> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupt(signal))
  rmSync(folder, { recursive: true, force: true })
  introduce()
  await start()
  if (interruptedBy === undefined) await goOnAfterKill()
  if (interruptedBy === undefined) await decide()
  if (interruptedBy === undefined) await goOnAfterAnswer()
  if (interruptedBy !== undefined) return sayHowToGoOn(EXIT_CODES[interruptedBy])
  return report()
}

function introduce(): void {
  heading('An agent that writes code, and survives kill -9')
  say('The job: book what customers paid, from a list of invoices and a bank statement (examples/invoices).')
  say('The agent has four tools. One posts to an accounting system, one needs the approval of a person.')
  say('A scripted model stands in for a real one, so nothing leaves this machine. All else is real: the')
  say('processes, the kill, the file that the run is kept in.')
}

async function start(): Promise<void> {
  heading('1. A process starts the run')
  say(`The task: ${TASK}`)
  const pid = drive('start', SLOW)
  await watchLedger()
  const cut = lastOpenCall()
  if (interruptedBy !== undefined || cut === undefined) return void (await ended())
  say(`The accounting system has booked ${SLOW}, but its answer is slow. The code waits here:`)
  say(codeAround(story.source, lineOf(story.source, `${cut.tool}(`)))

  heading(`2. kill -9 ${pid}`)
  child?.kill('SIGKILL')
  const died = await ended()
  say(
    `The process is dead (${bad(String(died.signal))}): in a tool call, in a loop, in the middle of a step.`,
  )
  say(
    'The payment was booked, and the answer was lost. The model, the code and its variables are gone with it.',
  )
  say(
    `What is left is a file: ${shown(storagePath)}, ${kilobytes()} KB, ${story.entries} entries of a journal.`,
  )
}

async function goOnAfterKill(): Promise<void> {
  heading('3. Another process goes on')
  const before = story.entries
  drive('resume')
  await ended()
  if (interruptedBy !== undefined) return
  const arrivals = readLedger(ledgerPath).filter((line) => line.event === 'started' && line.invoice === SLOW)
  say(
    `${SLOW} was asked for ${arrivals.length} times, with the same key, so it was booked once. That is what`,
  )
  say("effect: 'keyed' allows. A tool with effect 'once' is never sent again on its own: a person is asked.")
  const waiting = lastOpenCall()
  if (waiting === undefined) return
  say()
  say(`Then the loop came to a call that needs approval, ${story.entries - before} entries later:`)
  say(codeAround(story.source, lineOf(story.source, `${waiting.tool}(`)))
  say('The process has ended. While the question waits, nothing runs; it may wait for days.')
}

async function decide(): Promise<void> {
  heading('4. A person decides')
  // To answer takes neither the tools nor the model: only the file.
  await using agent = await PersistentCodeAgent.resumeExecution(storagePath)
  const [question] = agent.questions
  if (question === undefined) throw new Error('The run should wait for an approval, and does not.')
  say(`The run asks: ${bold(question.message)}`)
  const decision = await askPerson()
  if (decision === undefined) return
  await agent.answer(question.id, decision, { by: 'npm start' })
  say(`The decision (${decision.type}) is in the file. It is bound to this call, with these arguments.`)
}

async function goOnAfterAnswer(): Promise<void> {
  heading('5. A third process ends the job')
  drive('resume')
  await ended()
  if (interruptedBy === undefined)
    say('Step 3 ran here, on variables that three processes have filled. Two of them are gone.')
}

/** The end: what the run gave, and how often everything happened. */
async function report(): Promise<number> {
  await using agent = await reconciler.resume()
  const { result } = agent
  if (result?.status !== 'completed') {
    say(bad(`The run should be completed, and is ${result?.status}.`))
    return 1
  }
  const { invoices, booked, total, corrected, refused, unpaid, unknown } = result.output
  const list = (of: readonly string[]): string => (of.length === 0 ? 'none' : of.join(', '))
  heading('The report')
  say(`${booked} of ${invoices} invoices booked, ${euros(total)} in total`)
  say(`corrected: ${list(corrected)}`)
  if (refused.length > 0) say(`refused: ${list(refused)}`)
  say(`not paid: ${list(unpaid)}`)
  say(`paid, but for no invoice of this month: ${list(unknown)}`)

  heading('How often everything happened')
  say('Attempts and results are from the journal. Arrivals and effects are from the accounting system, which')
  say('knows nothing of the agent.')
  say()
  const ledger = readLedger(ledgerPath)
  const calls = agent.memory.steps.flatMap((step) => (step.kind === 'action' ? step.calls : []))
  const counted = calls.map(({ id, tool, attempts }) => {
    const { effect = '', key = '', results = 0 } = story.calls.get(id) ?? {}
    const of = (event: string): number =>
      ledger.filter((line) => line.key === key && line.event === event).length
    return { id, tool, effect, key, attempts, results, arrivals: of('started'), effects: of('done') }
  })
  const number = (count: number): string => (count === 0 ? '-' : String(count))
  const rows = counted.map((row) => [
    row.id,
    row.tool,
    row.effect,
    String(row.attempts),
    String(row.results),
    number(row.arrivals),
    number(row.effects),
    row.arrivals === 0 ? '-' : row.key,
  ])
  const head = ['call', 'tool', 'effect', 'attempts', 'results', 'arrivals', 'effects', 'idempotency key']
  say(table([head, ...rows], (row) => Number(row[3]) > 1))
  say()

  const odd = counted.filter((row) => row.results !== 1 || row.effects > 1)
  const again = counted.filter((row) => row.attempts > 1)
  const keys = ledger.filter((line) => line.event === 'started').map((line) => line.key)
  const repeated = keys.length - new Set(keys).size
  if (odd.length === 0) {
    say(`${good('Both agree')}: ${calls.length} calls, one result each. ${again.length} was sent again.`)
    say(`The accounting system saw ${repeated} repeated key, and nothing had its effect twice.`)
  } else {
    say(bad(`They do not agree: see ${odd.map((row) => row.id).join(', ')}.`))
  }

  heading('Where to look next')
  const store = `--store ${shown(storagePath)}`
  say(`npm run pca -- show ${agent.runId} ${store}`)
  say(`npm run pca -- show ${agent.runId} ${store} --events`)
  say(
    dim(
      'The whole run, step by step, and the journal itself. Where the package is installed: npx pca show …',
    ),
  )
  say('examples/01-pause-and-resume.ts and its neighbours are short programs, one idea each.')
  say('README.md says what is promised, and what is not.')
  return odd.length === 0 ? 0 : 1
}

// Processes

/** Starts a process that drives the run. Gives its pid. */
function drive(mode: 'start' | 'resume', slow?: string): number {
  child = fork(import.meta.filename, ['drive', mode, ...(slow === undefined ? [] : [slow])], {
    serialization: 'advanced',
  })
  child.on('message', (told: Told) => hear(told))
  say(`Process ${child.pid} drives it.`)
  return child.pid ?? 0
}

/** Resolves when the driving process has ended. */
async function ended(): Promise<{ readonly signal: NodeJS.Signals | null }> {
  const gone = child
  if (gone === undefined) return { signal: null }
  if (gone.exitCode === null && gone.signalCode === null)
    await new Promise<void>((resolve) => gone.once('close', () => resolve()))
  child = undefined
  const expected = gone.exitCode === 0 || gone.signalCode === 'SIGKILL' || interruptedBy !== undefined
  if (!expected) throw new Error(`The process that drove the run failed (exit code ${gone.exitCode}).`)
  return { signal: gone.signalCode }
}

/** Resolves when the slow booking has arrived at the accounting system; or the process has ended before. */
async function watchLedger(): Promise<void> {
  const driving = child
  const lives = (): boolean => driving?.exitCode === null && driving.signalCode === null
  while (lives()) {
    const key = lastOpenCall()?.key
    const lines = readLedger(ledgerPath)
    if (lines.some((it) => it.event === 'done' && it.invoice === SLOW && it.key === key)) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function interrupt(signal: keyof typeof EXIT_CODES): void {
  interruptedBy ??= signal
  interruption.abort()
  // In a terminal the child has heard it too; twice does no harm.
  child?.kill(signal)
}

function sayHowToGoOn(exitCode: number): number {
  heading('Interrupted')
  if (story.runId === '') {
    say('The run had not begun.')
    return exitCode
  }
  say(`Nothing is lost: the run rests in ${shown(storagePath)}. This goes on with it:`)
  say(`npm run pca -- resume ${story.runId} --store ${shown(storagePath)} --agent examples/start/agent.ts`)
  say('npm start begins afresh.')
  return exitCode
}

// What the driving process tells

function hear(told: Told): void {
  if (told.type === 'ready')
    say(
      `Resumed from ${story.heap} in ${bold(`${Math.round(told.ms)} ms`)}, in the same line, with the same variables.`,
    )
  if (told.type === 'run') story.runId = told.runId
  if (told.type === 'result') story.status = told.result.status
  if (told.type === 'entry') hearEntry(told.entry)
}

function hearEntry(entry: Entry): void {
  story.entries = entry.seq
  const call = 'call' in entry && entry.call !== undefined ? story.calls.get(entry.call) : undefined
  switch (entry.kind) {
    case 'segment-started':
      story.heap = entry.heap
      break
    case 'step-started':
      story.source = entry.source
      say()
      say(`Step ${entry.step}, as the model wrote it:`)
      say(code(entry.source))
      break
    case 'step-ended':
      if (entry.printed !== '') say(dim(`printed: ${entry.printed.trim()}`))
      break
    case 'call-requested':
      story.calls.set(entry.call, { tool: entry.tool, effect: entry.effect, results: 0 })
      break
    case 'call-started':
      if (call !== undefined && entry.key !== undefined) call.key = entry.key
      break
    case 'call-returned':
      if (call !== undefined) hearResult(call)
      break
    default:
  }
}

function hearResult(call: Call): void {
  call.results++
  const posted = readLedger(ledgerPath).find((line) => line.key === call.key)
  if (posted === undefined) return
  const verb = posted.what === 'book' ? 'booked' : 'corrected'
  say(`${good(verb)} ${posted.invoice}  ${euros(posted.amount).padStart(8)}`)
}

function lastOpenCall(): Call | undefined {
  return [...story.calls.values()].findLast((call) => call.results === 0)
}

// The person

/** Asks at the terminal; where there is none, takes the default and says so. */
async function askPerson(): Promise<Decision | undefined> {
  const { promise, resolve } = Promise.withResolvers<Decision | undefined>()
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    say('There is no terminal to ask at, so the default answer is taken: approve.')
    return { type: 'approve' }
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  terminal.once('SIGINT', () => interrupt('SIGINT'))
  interruption.signal.addEventListener('abort', () => resolve(undefined))
  void terminal.question('   Approve? [Y/n] ').then((answer) => {
    const no = /^\s*n/i.test(answer)
    resolve(no ? { type: 'reject', reason: 'not without asking the customer' } : { type: 'approve' })
  })
  const decision = await promise
  terminal.close()
  return decision
}

// Numbers

function kilobytes(): number {
  const files = ['', '-wal'].map((suffix) => storagePath + suffix)
  const bytes = files.map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0)
  return Math.round(bytes.reduce((sum, size) => sum + size, 0) / 1024)
}

function shown(path: string): string {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') ? path : join('.', short)
}
