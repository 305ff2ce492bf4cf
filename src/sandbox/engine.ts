/**
 * One live guest: the only file that touches quickjs-wasi. Runs in the worker thread, never in the main one.
 *
 * G1  The guest is a function of its image and the deliveries: the clock stands still within a delivery, the zone is
 *     UTC, the engine's own randomness is a constant (the prelude's stream replaces it), nothing is written anywhere.
 * G2  The host never walks the guest's values: one function `api` takes texts and gives texts. Raw pointers are used
 *     because the library's conveniences run guest code (exceptions, `dump`) or pin host closures in the heap.
 * G3  A delivery that is cut (time, memory, stack, trap) leaves the guest poisoned: no image, no further delivery.
 * G4  Going on elsewhere adopts the pointer of `api`, which is the base's; nothing is allocated by restoring, so a
 *     restored heap is byte for byte the heap that went on.
 * G5  Every guest is the base that goes on, or the base with what differs from it: the same bytes in every process.
 * G6  Out of memory and stack overflow kill, also if the code catches them: the engine tells of them (`tell-tale.ts`).
 *     From then on nothing that the code does leaves the guest, and it is interrupted soon.
 * G7  When a step has ended, what its heap has free is wiped (`sweep.ts`): after the same deliveries in every life.
 * G8  What the guest asks of the host while it computes is a function of a text, that gives a text (`pure.ts`).
 * G9  Code that goes on after the answer is cut: it may catch what `finalAnswer` throws, but not this. The engine asks
 *     after so many operations, counted in the heap, so it is cut at the same place in every life.
 */
import { CompileFlags, EvalFlags, JSValueHandle, MAX_STACK_SIZE, QuickJS } from 'quickjs-wasi'
import type { QuickJSOptions } from 'quickjs-wasi'
import type { HeapSize, KillReason } from '../base/halt.ts'
import { referenceMark } from '../base/id.ts'
import type { Base } from './base.ts'
import { openDelta, Shadow } from './delta.ts'
import { plainJson } from './plain-json.ts'
import { pure } from './pure.ts'
import { Rejections } from './rejections.ts'
import { chunkOf, sweep } from './sweep.ts'
import { TRIVIAL } from './trivial.ts'
import type { EngineParts, GuestLimits, ProgramText, Settled } from './protocol.ts'
import type { Moment } from './sandbox.ts'
import { buffer, STILL, worldOf } from './world.ts'

const LOOK = 'look'
const PURE = 'pure'
const NOTHING = new Uint8Array(0)
/** How the text of such a halt begins. */
const ENDED = '{"kind":"ended"'
const PROXY = 9
/** How WebAssembly counts memory. */
const BLOCK = 65_536

/** How large a heap may grow before its first garbage is collected, in bytes. From then on, by half of what lives. */
const FIRST_COLLECTION = 2 * 2 ** 20

/** A delivery ended without a halt. */
class Cut extends Error {
  readonly reason: KillReason

  constructor(reason: KillReason, message: string) {
    super(message)
    this.reason = reason
  }
}

function ranOut(reason: KillReason): Cut {
  return new Cut(reason, `The step ran out of ${reason}. That cannot be caught.`)
}

function stackPointer(global: unknown): number {
  return (global as { readonly value: number }).value
}

function idle(parts: EngineParts): Promise<QuickJS> {
  return QuickJS.create({ wasm: parts.module, wasi: () => STILL, timezoneOffset: 0 })
}

/** The prelude runs at time 0; `configure` says when the guest begins. */
const BASE: GuestLimits = { stepTimeout: 30_000, memory: 64 * 2 ** 20, callsPerStep: 1, outputChars: 1 }

/**
 * What every guest will need is done once for nobody: V8 compiles a function of the engine at its first use. A slice
 * ends at each `yield`.
 */
export async function* warm(parts: EngineParts): AsyncGenerator<void> {
  const vm = await idle(parts)
  for (const script of TRIVIAL) {
    yield
    vm.evalCode(script, 'warm', EvalFlags.ASYNC | EvalFlags.STRICT).dispose()
    vm.executePendingJobs()
  }
  vm.dispose()
}

export class Guest {
  readonly #limits: GuestLimits
  #vm: QuickJS | undefined
  #api = 0
  #grants = ''
  #shadow: Shadow | undefined
  #clock: number
  #deadline = Infinity
  #late = false
  /** What ran out (G6), and whether the guest is just telling where. */
  #out: KillReason | undefined
  #telling = false
  /** The code that runs has given the answer (G9). */
  #answered = false
  readonly #rejections = new Rejections()
  #lent: JSValueHandle | undefined
  #swept: HeapSize | undefined

  private constructor(limits: GuestLimits, clock: number) {
    this.#limits = limits
    this.#clock = clock
  }

  /**
   * The base: a heap in which the prelude has run, without its source, compiled by a guest of its own. That is half the
   * heap. The bytes depend on nothing but the texts, each of which is one function; the last takes the others,
   * `look` and `pure`, and gives `api`. Only for whoever makes the file.
   */
  static async boot(module: object, prelude: readonly string[]): Promise<Base> {
    const compiler = await QuickJS.create({ wasm: module, wasi: () => STILL, timezoneOffset: 0 })
    const flags = CompileFlags.STRIP_SOURCE | CompileFlags.STRIP_DEBUG
    const bytecode = prelude.map((text) => compiler.compile(text, 'sandbox', EvalFlags.STRICT, flags))
    compiler.dispose()
    const guest = new Guest(BASE, 0)
    const vm = await QuickJS.create(guest.#options(module))
    guest.#vm = vm
    const look = vm.newFunction(LOOK, (...args) => guest.#look(args))
    const ask = vm.newFunction(PURE, (...args) => guest.#pure(args))
    const given = bytecode.map((code) => vm.evalBytecode(code))
    const together = given.pop()
    if (together === undefined) throw new Cut('trap', 'There is no prelude.')
    const api = vm.callFunction(together, look, ...given, look, ask)
    guest.#api = api.ptr
    for (const handle of [...given, together, look, ask]) handle.dispose()
    guest.#settleDown()
    const x = guest.#exports()
    // The collector links all objects in its own order: done here, and not soon again, it changes little of the base.
    x.qjs_run_gc()
    x.qjs_set_gc_threshold(FIRST_COLLECTION)
    // Nor do the steps wipe what this left behind (G7).
    guest.#sweep()
    const memory = new Uint8Array(buffer(x.memory).slice(0))
    memory.fill(0, 0, stackPointer(x.__stack_pointer))
    return {
      memory,
      stackPointer: stackPointer(x.__stack_pointer),
      runtimePtr: x.qjs_get_runtime_ptr(),
      contextPtr: x.qjs_get_context_ptr(),
      api: api.ptr,
    }
  }

  /** A fresh heap: the prelude has run, nothing else. */
  static async create(parts: EngineParts, limits: GuestLimits, seed: string, clock: number): Promise<Guest> {
    const guest = await Guest.#fromBase(parts, limits)
    const { callsPerStep, outputChars } = limits
    guest.#clock = clock
    const given = { calls: callsPerStep, output: outputChars, seed, mark: referenceMark(seed) }
    guest.#call('configure', JSON.stringify({ ...given, clock: Math.trunc(clock) }))
    guest.#settleDown()
    return guest
  }

  /** The heap that differs by `delta` from the base, going on (G4). The bytes were checked by whoever unpacked them. */
  static async restore(parts: EngineParts, limits: GuestLimits, delta: Uint8Array): Promise<Guest> {
    const guest = await Guest.#fromBase(parts, limits)
    guest.#follow(delta)
    return guest
  }

  static async #fromBase({ module, base }: EngineParts, limits: GuestLimits): Promise<Guest> {
    const guest = new Guest(limits, 0)
    // The library would write all of a memory, the dead stack too, which is two thirds of the base: a page that is never
    // written takes no room.
    const vm = await QuickJS.restore({ ...base, memory: NOTHING, extensions: [] }, guest.#options(module))
    guest.#vm = vm
    guest.#grow(base.memory.length).set(base.memory.subarray(base.stackPointer), base.stackPointer)
    vm._getExports().qjs_set_memory_limit(limits.memory)
    vm.registerHostCallback(LOOK, (...args) => guest.#look(args))
    vm.registerHostCallback(PURE, (...args) => guest.#pure(args))
    guest.#api = base.api
    guest.#shadow = new Shadow(base.memory, base.stackPointer)
    return guest
  }

  /** What was set with the base is in the heap: the limits are the run's, here as there. */
  #follow(bytes: Uint8Array): void {
    const delta = openDelta(bytes)
    this.#shadow?.follow(this.#grow(delta.size), delta)
    this.#grants = delta.grants
  }

  /** The memory, of this many bytes at least. */
  #grow(size: number): Uint8Array {
    const memory = this.#exports().memory as { readonly buffer: ArrayBuffer; grow(blocks: number): void }
    if (size > memory.buffer.byteLength) memory.grow((size - memory.buffer.byteLength) / BLOCK)
    return new Uint8Array(memory.buffer)
  }

  /** Makes these tools callable. Nothing changes in the heap if they are the ones that are there. */
  grant(tools: readonly string[]): void {
    const grants = JSON.stringify(tools)
    if (grants === this.#grants) return
    this.#call('tools', grants)
    this.#settleDown()
    this.#grants = grants
  }

  /** Runs a step's program. Gives the JSON of a `Halt`. */
  run(step: number, program: ProgramText, moment: Moment): string {
    return this.#deliver(moment, () => {
      this.#call('begin', String(step), program.file, program.positions)
      if (program.forget !== undefined) this.#call('forget', JSON.stringify(program.forget))
      const { variables, large } = program
      if (variables !== undefined || large !== undefined)
        this.#call('variables', variables ?? '', large ?? '')
      const first = this.#evaluate(program.declarations, `${program.file}#`, EvalFlags.STRICT)
      if (!first.ok) return this.#invoke('failed', [first.ptr])
      this.#exports().qjs_free_value(first.ptr)
      const body = this.#evaluate(program.body, program.file, EvalFlags.STRICT | EvalFlags.ASYNC)
      if (!body.ok) return this.#invoke('failed', [body.ptr])
      return this.#invoke('watch', [body.ptr, this.#text(String(program.hasValue))])
    })
  }

  /** Settles one call and drains. Gives the JSON of a `Halt`. */
  settle(call: string, as: Settled, payload: string, moment: Moment): string {
    const { step } = moment
    return this.#deliver(moment, () => {
      if (step !== undefined) this.#call('enter', String(step))
      const json = as === 'value' ? plainJson(payload) : undefined
      return this.#call('settle', call, json === undefined ? as : 'json', json ?? payload)
    })
  }

  /** The program goes on no more. Gives the JSON of a `Halt`. */
  interrupt(moment: Moment): string {
    return this.#deliver(moment, () => this.#call('interrupt'))
  }

  /** The size of the heap, if the last delivery ended a step. */
  get swept(): HeapSize | undefined {
    return this.#swept
  }

  /** What has changed since the last image, or since the base. */
  image(): Uint8Array<ArrayBuffer> {
    const memory: unknown = this.#exports().memory
    if (this.#shadow === undefined) throw new Cut('trap', 'The guest is gone.')
    return this.#shadow.look(new Uint8Array(buffer(memory)), this.#grants).bytes
  }

  /** What the variables hold, as JSON. Nothing of the code runs, but the heap is another one afterwards. */
  held(): string {
    this.#late = false
    this.#deadline = performance.now() + this.#limits.stepTimeout
    try {
      return this.#call('held')
    } finally {
      this.#deadline = Infinity
    }
  }

  dispose(): void {
    this.#vm?.dispose()
    this.#vm = undefined
  }

  // A delivery

  #deliver({ clock, seed }: Moment, act: () => string): string {
    this.#clock = clock
    this.#late = false
    this.#answered = false
    this.#swept = undefined
    this.#deadline = performance.now() + this.#limits.stepTimeout
    try {
      if (seed !== undefined) this.#call('reseed', seed)
      act()
      this.#pump()
      this.#reportRejections()
      const halt = this.#out === undefined ? this.#call('halt') : ''
      if (this.#late) throw this.#timeout()
      if (this.#out !== undefined) return this.#doomed(this.#out)
      if (halt.startsWith(ENDED)) this.#swept = this.#sweep()
      return halt
    } catch (error) {
      return JSON.stringify({ kind: 'killed', ...this.#killed(error) })
    } finally {
      this.#deadline = Infinity
      this.#lent?.dispose()
      this.#lent = undefined
    }
  }

  /** G7. Nothing is lent any more then: what was is free. */
  #sweep(): HeapSize | undefined {
    this.#lent?.dispose()
    this.#lent = undefined
    const x = this.#exports()
    return sweep(new Uint8Array(buffer(x.memory)), chunkOf(x.qjs_get_runtime_ptr()))
  }

  /** Runs jobs until none is pending. The interrupt handler alone does not see an endless chain of short jobs. */
  #pump(): void {
    const x = this.#exports()
    for (let jobs = 1; x.qjs_is_job_pending() !== 0; jobs++) {
      if ((jobs & 255) === 0 && performance.now() > this.#deadline) throw this.#timeout()
      if (x.qjs_execute_pending_job() < 0) this.#dropped()
      if (this.#late) throw this.#timeout()
    }
    if (this.#late) throw this.#timeout()
  }

  /** A job that was cut after the answer (G9) leaves the others to run. @throws {Cut} if it was cut for another reason. */
  #dropped(): void {
    if (!this.#answered || this.#late || this.#out !== undefined) throw this.#exception()
    const x = this.#exports()
    x.qjs_free_value(x.qjs_get_exception())
  }

  /** The halt of a guest that ran out of something (G6): with the place, if the step's error knows it. */
  #doomed(reason: KillReason): string {
    this.#telling = true
    return this.#call('doom', reason)
  }

  #settleDown(): void {
    this.#pump()
    if (this.#out !== undefined) throw ranOut(this.#out)
    this.#lent?.dispose()
    this.#lent = undefined
  }

  #reportRejections(): void {
    const { handled, rejected } = this.#rejections.take()
    for (const promise of handled) this.#invoke('handled', [promise])
    for (const { promise, reason } of rejected) this.#invoke('rejected', [promise, reason])
  }

  #timeout(): Cut {
    return new Cut(
      'timeout',
      `The code computed for more than ${this.#limits.stepTimeout} ms without waiting.`,
    )
  }

  #killed(error: unknown): { readonly reason: KillReason; readonly message: string } {
    if (this.#out !== undefined) return { reason: this.#out, message: ranOut(this.#out).message }
    if (this.#late || (error instanceof Cut && error.reason === 'timeout')) {
      return { reason: 'timeout', message: this.#timeout().message }
    }
    if (error instanceof Cut) return { reason: error.reason, message: error.message }
    if (error instanceof RangeError) return { reason: 'stack', message: ranOut('stack').message }
    if (error instanceof Error && error.message.includes('malloc')) {
      return { reason: 'memory', message: ranOut('memory').message }
    }
    return { reason: 'trap', message: 'The step brought the engine down.' }
  }

  // The engine, by raw pointers (G2)

  #exports(): ReturnType<QuickJS['_getExports']> {
    if (this.#vm === undefined) throw new Cut('trap', 'The guest is gone.')
    return this.#vm._getExports()
  }

  #call(op: string, ...texts: readonly string[]): string {
    return this.#invoke(
      op,
      texts.map((text) => this.#text(text)),
    )
  }

  /** Calls `api` and frees the arguments. */
  #invoke(op: string, args: readonly number[]): string {
    const x = this.#exports()
    const all = [this.#text(op), ...args]
    const list = x.wasm_malloc(all.length * 4)
    if (list === 0) throw ranOut('memory')
    const view = new DataView(buffer(x.memory))
    for (const [index, pointer] of all.entries()) view.setUint32(list + index * 4, pointer, true)
    const self = x.qjs_get_undefined()
    // What is called here is the prelude's own, and comes to its end.
    const answered = this.#answered
    this.#answered = false
    const result = x.qjs_call(this.#api, self, all.length, list)
    this.#answered ||= answered
    x.wasm_free(list)
    for (const pointer of all) x.qjs_free_value(pointer)
    x.qjs_free_value(self)
    if (x.qjs_is_exception(result) !== 0) throw this.#exception()
    return this.#take(result)
  }

  #evaluate(code: string, file: string, flags: number): { readonly ok: boolean; readonly ptr: number } {
    const x = this.#exports()
    const vm = this.#vm
    if (vm === undefined) throw new Cut('trap', 'The guest is gone.')
    const source = vm._writeString(code)
    const name = vm._writeString(file)
    const result = x.qjs_eval(source.ptr, source.len, name.ptr, flags)
    x.wasm_free(source.ptr)
    x.wasm_free(name.ptr)
    if (this.#late) throw this.#timeout()
    if (x.qjs_is_exception(result) === 0) return { ok: true, ptr: result }
    x.qjs_free_value(result)
    return { ok: false, ptr: x.qjs_get_exception() }
  }

  #text(text: string): number {
    const vm = this.#vm
    if (vm === undefined) throw new Cut('trap', 'The guest is gone.')
    return vm.newString(text).ptr
  }

  /** The text of a string value, and frees it. */
  #take(pointer: number): string {
    const vm = this.#vm
    if (vm === undefined) throw new Cut('trap', 'The guest is gone.')
    const handle = new JSValueHandle(vm, pointer)
    const text = handle.isString ? handle.toString() : ''
    handle.dispose()
    return text
  }

  /** What kept the engine from going on: it was interrupted, or something ran out; else it is broken. */
  #exception(): Cut {
    if (this.#out !== undefined) return ranOut(this.#out)
    if (this.#late) return this.#timeout()
    return new Cut('trap', 'The step brought the engine down.')
  }

  // What the guest is made of

  #options(module: object): QuickJSOptions {
    return {
      wasm: module,
      memoryLimit: this.#limits.memory,
      maxStackSize: MAX_STACK_SIZE,
      timezoneOffset: 0,
      interruptHandler: () => {
        this.#late ||= performance.now() > this.#deadline
        return this.#late || this.#answered || (this.#out !== undefined && !this.#telling)
      },
      onUnhandledRejection: (promise, reason, handled) =>
        this.#rejections.note(this.#exports(), promise, reason, handled),
      wasi: (memory) =>
        worldOf(memory, {
          clock: () => this.#clock,
          ranOut: (reason) => {
            // The first lets the code unwind, so that the step's error can tell where; the second is one too many.
            if (this.#out !== undefined && !this.#telling) throw ranOut(this.#out)
            this.#out ??= reason
          },
        }),
    }
  }

  /**
   * What only the engine knows: `look(v)` is a promise's state (1–3) or 9 for a proxy; `look(v, true)` is within.
   * `look()` tells it that the answer was given.
   */
  #look(args: readonly JSValueHandle[]): JSValueHandle {
    const [value, within] = args
    const vm = this.#vm
    const x = this.#exports()
    if (vm === undefined) throw new Cut('trap', 'The guest is gone.')
    if (value === undefined) {
      this.#answered = true
      return this.#lend(new JSValueHandle(vm, x.qjs_get_null()))
    }
    const proxy = value.isObject && value.isProxy
    if (within === undefined) {
      return this.#lend(vm.newNumber(proxy ? PROXY : value.isPromise ? value.promiseState + 1 : 0))
    }
    const pointer = proxy ? x.qjs_get_proxy_target(value.ptr) : x.qjs_promise_result(value.ptr)
    if (x.qjs_is_exception(pointer) === 0) return this.#lend(new JSValueHandle(vm, pointer))
    // A revoked proxy: nothing is within.
    x.qjs_free_value(pointer)
    x.qjs_free_value(x.qjs_get_exception())
    return this.#lend(new JSValueHandle(vm, x.qjs_get_null()))
  }

  /** G8. The text is given by the prelude, never by the code; what the code can bring about is a text that is too long. */
  #pure([request]: readonly JSValueHandle[]): JSValueHandle {
    const vm = this.#vm
    if (vm === undefined || request === undefined || !request.isString) throw new Cut('trap', 'No question.')
    try {
      const text = request.toString()
      if (this.#out === undefined) return this.#lend(vm.newString(pure(text)))
    } catch {
      this.#out ??= 'memory'
    }
    // oxlint-disable-next-line typescript/only-throw-error -- of an Error, the library tells the guest the host's stack
    throw 'out of memory'
  }

  /** The library takes a copy after the callback returns; this one is freed at the next call or the delivery's end. */
  #lend(handle: JSValueHandle): JSValueHandle {
    this.#lent?.dispose()
    this.#lent = handle
    return handle
  }
}
