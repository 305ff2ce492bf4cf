/**
 * What the code can read of its own past, and what it wants to be kept in view. A read is a call, like a tool's.
 *
 * Y1  A note is text, and short; of very many the newest are kept (`journal/story.ts`).
 */
;(function makeHistory(kit, call) {
  'use strict'
  const { list, push, slice } = kit
  const LONGEST = 1_000
  /** Notes of one step. */
  const MOST = 50
  let notes = list()

  class Step {
    #number
    constructor(number) {
      this.#number = number
      kit.freeze(this)
    }
    /** What the model was told of it: what it printed, its value, its error. */
    get output() {
      return call('$history', [this.#number, 'output'], 'What is read')
    }
    /** Its program. */
    get code() {
      return call('$history', [this.#number, 'code'], 'What is read')
    }
  }
  const history = kit.freeze({
    /** A step of this run, by its number. */
    step(number) {
      if (!kit.isInteger(number) || number < 1)
        throw new kit.RangeError('history.step takes the number of a step, from 1')
      return new Step(number)
    },
  })

  /** Keeps a note in view, also when older steps are summarised. */
  function pin(note) {
    if (typeof note !== 'string') throw new kit.TypeError('pin takes a text')
    if (notes.length < MOST) push(notes, note.length > LONGEST ? slice(note, 0, LONGEST) + '…' : note)
  }

  /** The notes since the last time, as a part of a halt. */
  function pinned(quote) {
    let text = ''
    for (let i = 0; i < notes.length; i++) text += (i > 0 ? ',' : '') + quote(notes[i])
    notes = list()
    return text === '' ? '' : ',"pins":[' + text + ']'
  }

  return { history, pin, pinned }
})
