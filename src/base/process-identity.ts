/**
 * Who holds a lease: a text that names this process so exactly that another process on the same machine can tell,
 * for certain, that it is dead.
 *
 * D1  `isDead` is true only where death is certain. Doubt (another machine, another container, no /proc, a text that
 *     we did not write) is false: the lease then ends by its expiry.
 * D2  A pid alone proves nothing: it is used again. Boot, pid namespace, pid and start time together do.
 *     A process of another boot of this very machine is dead: nothing outlives its kernel.
 * D3  The text stays the same for the life of the process; `id` tells apart two threads or copies of this module.
 */
import { createHash, randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname, uptime } from 'node:os'
import type { BootClock } from './clock.ts'
import { parseJson } from './json.ts'

interface Identity {
  readonly host: string
  /** Digest of /etc/machine-id where it names this very machine: on Linux, outside of all containers. Else empty. */
  readonly machine: string
  /** The kernel's boot id; without /proc: the second of boot, approximately. */
  readonly boot: string | number
  /** The pid and time namespaces, empty without /proc: a start time is read through the time namespace. */
  readonly space: string
  readonly pid: number
  /** Field 22 of /proc/<pid>/stat, in ticks since boot; empty without /proc. */
  readonly start: string
  readonly id: string
}

/** Two processes read the second of boot a little apart, and the clock is adjusted between. */
const BOOT_TOLERANCE_SECONDS = 10

/** The first pid namespace of a kernel (PROC_PID_INIT_INO, include/uapi/linux/nsfs.h): we are in no container. */
const FIRST_SPACE = 'pid:[4026531836]'

let mine: Identity | undefined

/** The time of this machine's boot. CLOCK_MONOTONIC stands still while a laptop sleeps, for all its processes. */
export const bootClock: BootClock = {
  get boot() {
    return bootOf(self())
  },
  now: () => Number(process.hrtime.bigint()) / 1e6,
}

/** True if times of these two boots can be compared. */
export function isSameBoot(one: string, other: string): boolean {
  if (one === other) return true
  const [a, b] = [guessedBoot(one), guessedBoot(other)]
  return a !== undefined && b !== undefined && isSameGuess(a, b)
}

/** This process, as text. */
export function holderOf(): string {
  return JSON.stringify(self())
}

/** True only if the process that wrote `holder` certainly does not run any more. */
export function isDead(holder: string): boolean {
  const other = read(holder)
  const here = self()
  if (other === undefined) return false
  if (isEarlierBoot(here, other)) return true
  if (!isSamePlace(here, other)) return false
  if (here.start === '') return !answersSignal(other.pid)
  const found = lookUp(other.pid)
  // Where /proc hides the processes of others (hidepid), only the signal tells.
  if (found === undefined) return !answersSignal(other.pid)
  return found.start !== other.start || found.state === 'Z' || found.state === 'X'
}

/** For messages: `pid 1234 on this machine`. */
export function describeHolder(holder: string): string {
  const other = read(holder)
  if (other === undefined) return 'another process'
  if (isSamePlace(self(), other)) return `pid ${other.pid} on this machine`
  return `pid ${other.pid} on ${other.host} (another machine or container)`
}

function self(): Identity {
  mine ??= look()
  return mine
}

function look(): Identity {
  const rest = { host: hostname(), machine: '', pid: process.pid, id: randomUUID() }
  const boot = hasProc() ? readText('/proc/sys/kernel/random/boot_id') : undefined
  const start = lookUp(process.pid)?.start
  const space = `${readLink('/proc/self/ns/pid')} ${readLink('/proc/self/ns/time')}`
  if (boot === undefined || start === undefined) {
    return { ...rest, boot: Math.round(Date.now() / 1000 - uptime()), space: '', start: '' }
  }
  return {
    ...rest,
    machine: space.startsWith(FIRST_SPACE) ? machineOf() : '',
    boot: boot.trim(),
    space,
    start,
  }
}

/** The id itself is not for everybody's eyes (machine-id(5)). */
function machineOf(): string {
  const id = readText('/etc/machine-id')?.trim() ?? ''
  return id === '' ? '' : createHash('sha256').update(`persistent-code-agent ${id}`).digest('base64url')
}

function isSamePlace(one: Identity, other: Identity): boolean {
  if (one.space !== other.space) return false
  if (typeof one.boot === 'string' || typeof other.boot === 'string') return one.boot === other.boot
  return isSameGuess({ host: one.host, second: one.boot }, { host: other.host, second: other.boot })
}

/** D2. Two machines that were cloned with id and name share no state file: network file systems are refused. */
function isEarlierBoot(here: Identity, other: Identity): boolean {
  if (here.machine === '' || typeof other.boot !== 'string') return false
  return here.machine === other.machine && here.host === other.host && here.boot !== other.boot
}

/** Where the kernel does not name its boot. */
interface GuessedBoot {
  readonly host: string
  readonly second: number
}

function isSameGuess(one: GuessedBoot, other: GuessedBoot): boolean {
  return one.host === other.host && Math.abs(one.second - other.second) <= BOOT_TOLERANCE_SECONDS
}

/** A time namespace has a monotonic clock of its own; a pid namespace has not. */
function bootOf({ boot, space, host }: Identity): string {
  return typeof boot === 'string' ? `${boot} ${space.slice(space.indexOf(' ') + 1)}` : `~${boot} ${host}`
}

function guessedBoot(boot: string): GuessedBoot | undefined {
  const [, second, host] = /^~(\d+) (.*)$/s.exec(boot) ?? []
  return second === undefined || host === undefined ? undefined : { second: Number(second), host }
}

/** False where there is no /proc, and where it shows another pid namespace than ours. */
function hasProc(): boolean {
  return readLink('/proc/self') === String(process.pid)
}

/** State and start time of a process; `undefined` if it cannot be seen. The name (field 2) may hold anything. */
function lookUp(pid: number): { readonly state: string; readonly start: string } | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const start = fields[18]
  return state === undefined || start === undefined ? undefined : { state, start }
}

function answersSignal(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}

/** A holder is read back from the store: somebody else may have written it. */
function read(holder: string): Identity | undefined {
  const value = parsed(holder)
  if (typeof value !== 'object' || value === null) return undefined
  const { host, machine, boot, space, pid, start, id } = value as { readonly [K in keyof Identity]?: unknown }
  if (typeof host !== 'string' || typeof space !== 'string' || typeof start !== 'string') return undefined
  if (typeof machine !== 'string' || typeof id !== 'string') return undefined
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return undefined
  return typeof boot === 'string' || typeof boot === 'number'
    ? { host, machine, boot, space, pid, start, id }
    : undefined
}

function parsed(holder: string): unknown {
  try {
    return parseJson(holder, 'The holder of the lease')
  } catch {
    return undefined
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
