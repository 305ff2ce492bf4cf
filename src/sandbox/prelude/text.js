/** `TextEncoder` and `TextDecoder`. The host's own do the work; what is short and plain is done here. */
;(function texts(kit, parts) {
  'use strict'
  const { ask, of, inspect } = parts
  const { charCode, fromCode, Uint8Array, TypeError } = kit

  /** Up to here a loop is cheaper than asking. */
  const SHORT = 64

  class TextEncoder {
    get encoding() {
      return 'utf-8'
    }
    encode(input = '') {
      const text = '' + input
      if (text.length <= SHORT) {
        const bytes = new Uint8Array(text.length)
        let i = 0
        for (; i < text.length && charCode(text, i) < 128; i++) bytes[i] = charCode(text, i)
        if (i === text.length) return bytes
      }
      return kit.fromBase64(ask('text.encode', of(text)))
    }
    encodeInto(source, target) {
      const text = '' + source
      if (kit.typedName(target) !== 'Uint8Array')
        throw new TypeError('The "dest" argument must be an instance of Uint8Array.')
      const room = kit.typedLength(target)
      let read = 0
      let written = 0
      while (read < text.length) {
        const bytes = this.encode(kit.slice(text, read, read + width(text, read)))
        const length = kit.typedLength(bytes)
        if (written + length > room) break
        for (let i = 0; i < length; i++) target[written + i] = bytes[i]
        written += length
        read += width(text, read)
      }
      return { read, written }
    }
  }

  /** Units of the code point: two for a pair. */
  function width(text, at) {
    const code = charCode(text, at)
    if (code < 0xd800 || code > 0xdbff || at + 1 === text.length) return 1
    const next = charCode(text, at + 1)
    return next >= 0xdc00 && next <= 0xdfff ? 2 : 1
  }

  class TextDecoder {
    #label
    #encoding
    #fatal
    #ignoreBOM
    /** Of a stream: its bytes so far, in base64 by chunks, and how much of their text was given away. */
    #chunks = null
    #given = 0

    constructor(label = 'utf-8', options) {
      this.#label = '' + label
      this.#fatal = !!options?.fatal
      this.#ignoreBOM = !!options?.ignoreBOM
      this.#encoding = this.#label === 'utf-8' ? 'utf-8' : this.#ask('', false)[1]
    }
    #ask(bytes, stream) {
      return ask('text.decode', of(this.#label, this.#fatal, this.#ignoreBOM, stream, bytes))
    }

    get encoding() {
      return this.#encoding
    }
    get fatal() {
      return this.#fatal
    }
    get ignoreBOM() {
      return this.#ignoreBOM
    }
    decode(input, options) {
      const bytes = input === undefined ? new Uint8Array(0) : bytesOf(input)
      const stream = !!options?.stream
      if (this.#chunks !== null || stream) return this.#next(bytes, stream)
      const length = kit.typedLength(bytes)
      if (this.#encoding === 'utf-8' && length <= SHORT) {
        let text = ''
        let i = 0
        for (; i < length && bytes[i] < 128; i++) text += fromCode(bytes[i])
        if (i === length) return text
      }
      return this.#ask(kit.toBase64(bytes), false)[0]
    }

    /** A chunk of a stream: all of it is decoded again, and what is new in the text is given. */
    #next(bytes, stream) {
      const before = this.#chunks ?? new Uint8Array(0)
      const all = new Uint8Array(kit.typedLength(before) + kit.typedLength(bytes))
      kit.typedSet(all, before)
      kit.typedSet(all, bytes, kit.typedLength(before))
      this.#chunks = all
      const given = this.#given
      try {
        const text = this.#ask(kit.toBase64(all), stream)[0]
        this.#given = text.length
        if (!stream) this.#end()
        return kit.slice(text, given)
      } catch (error) {
        this.#end()
        throw error
      }
    }
    #end() {
      this.#chunks = null
      this.#given = 0
    }

    static {
      inspect.teach(TextDecoder, (value) =>
        #label in value
          ? of('encoding', value.#encoding, 'fatal', value.#fatal, 'ignoreBOM', value.#ignoreBOM)
          : undefined,
      )
    }
  }

  kit.tag(TextEncoder, 'TextEncoder')
  kit.tag(TextDecoder, 'TextDecoder')
  inspect.teach(TextEncoder, () => of('encoding', 'utf-8', 'fatal', false, 'ignoreBOM', false))

  /** The bytes of a buffer or a view, as they are. @throws {TypeError} it is none. */
  function bytesOf(source) {
    if (kit.typedName(source) !== undefined)
      return new Uint8Array(kit.typedBuffer(source), kit.typedOffset(source), kit.typedBytes(source))
    if (kit.isView(source))
      return new Uint8Array(kit.viewBuffer(source), kit.viewOffset(source), kit.viewLength(source))
    try {
      kit.bufferLength(source)
    } catch {
      throw new TypeError('The "input" argument must be an instance of ArrayBuffer or ArrayBufferView.')
    }
    return new Uint8Array(source)
  }

  return { TextEncoder, TextDecoder, bytesOf }
})
