/** `crypto`: randomness from the run's stream (`random.js`; not for keys), and digests, which the host computes. */
;(function cryptography(kit, parts) {
  'use strict'
  const { next, ask, of, bytesOf, DOMException } = parts
  const { numberText, padStart, slice, exec, put, TypeError } = kit

  const INTEGER = /^(?:Big)?(?:Int|Uint)/
  const MOST_BYTES = 65_536
  let made = false

  class SubtleCrypto {
    constructor() {
      mustBeMade()
    }
    /** The `ArrayBuffer` of the digest: SHA-1, SHA-256, SHA-384 or SHA-512. */
    async digest(algorithm, data) {
      const name = typeof algorithm === 'object' && algorithm !== null ? algorithm.name : algorithm
      let bytes
      try {
        bytes = bytesOf(data)
      } catch {
        const words = "Failed to execute 'digest' on 'SubtleCrypto': 2nd argument is not instance of"
        const error = new TypeError(words + ' ArrayBuffer, Buffer, TypedArray, or DataView.')
        throw put(error, 'code', 'ERR_INVALID_ARG_TYPE')
      }
      const text = ask('digest', of('' + name, kit.toBase64(bytes)))
      if (text === null) throw new DOMException('Unrecognized algorithm name', 'NotSupportedError')
      return kit.typedBuffer(kit.fromBase64(text))
    }
  }

  class Crypto {
    #subtle
    constructor() {
      mustBeMade()
      this.#subtle = new SubtleCrypto()
    }
    get subtle() {
      return this.#subtle
    }
    getRandomValues(view) {
      const isInteger = exec(INTEGER, kit.typedName(view) ?? '') !== null
      if (!isInteger) {
        const words = 'The data argument must be an integer-type TypedArray'
        throw new DOMException(words, 'TypeMismatchError')
      }
      const length = kit.typedBytes(view)
      if (length > MOST_BYTES)
        throw new DOMException('The requested length exceeds 65,536 bytes', 'QuotaExceededError')
      const bytes = new kit.Uint8Array(kit.typedBuffer(view), kit.typedOffset(view), length)
      for (let i = 0; i < length; i++) bytes[i] = next() & 255
      return view
    }
    randomUUID() {
      let hex = ''
      for (let i = 0; i < 4; i++) hex += padStart(numberText(next(), 16), 8, '0')
      const variant = numberText((next() & 3) | 8, 16)
      const groups = slice(hex, 0, 8) + '-' + slice(hex, 8, 12) + '-4' + slice(hex, 13, 16) + '-'
      return groups + variant + slice(hex, 17, 20) + '-' + slice(hex, 20)
    }
  }

  function mustBeMade() {
    if (!made) throw put(new TypeError('Illegal constructor'), 'code', 'ERR_ILLEGAL_CONSTRUCTOR')
  }

  kit.tag(Crypto, 'Crypto')
  kit.tag(SubtleCrypto, 'SubtleCrypto')
  made = true
  const crypto = new Crypto()
  made = false
  return { crypto, Crypto, SubtleCrypto }
})
