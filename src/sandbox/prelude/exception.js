/** `DOMException`, as an error like all others, and what throws it from the start: `atob`, `btoa`. */
;(function exceptions(kit) {
  'use strict'
  const { lock, hide, charCode, exec } = kit
  const global = globalThis

  const CODES = {
    __proto__: null,
    IndexSizeError: 1,
    HierarchyRequestError: 3,
    WrongDocumentError: 4,
    InvalidCharacterError: 5,
    NoModificationAllowedError: 7,
    NotFoundError: 8,
    NotSupportedError: 9,
    InUseAttributeError: 10,
    InvalidStateError: 11,
    SyntaxError: 12,
    InvalidModificationError: 13,
    NamespaceError: 14,
    InvalidAccessError: 15,
    TypeMismatchError: 17,
    SecurityError: 18,
    NetworkError: 19,
    AbortError: 20,
    URLMismatchError: 21,
    QuotaExceededError: 22,
    TimeoutError: 23,
    InvalidNodeTypeError: 24,
    DataCloneError: 25,
  }

  class DOMException extends kit.Error {
    constructor(message = '', options = 'Error') {
      super('' + message)
      const isNamed = typeof options !== 'object' || options === null
      hide(this, 'name', '' + (isNamed ? options : (options.name ?? 'Error')))
      if (!isNamed && 'cause' in options) hide(this, 'cause', options.cause)
      hide(this, 'code', CODES[this.name] ?? 0)
    }
  }
  kit.tag(DOMException, 'DOMException')
  for (const name of kit.keys(CODES)) {
    const words = name.replaceAll(/(?<=[a-z])(?=[A-Z])|(?<=URL)/g, '_').toUpperCase()
    const constant = words.slice(0, -'OR'.length)
    for (const holder of [DOMException, DOMException.prototype]) lock(holder, constant, CODES[name])
  }

  const { atob: decode, btoa: encode } = global
  const FOREIGN = /[^A-Za-z0-9+/=\t\n\f\r ]/

  function atob(text) {
    const given = '' + text
    try {
      return decode(given)
    } catch {
      const isForeign = exec(FOREIGN, given) !== null
      const words = isForeign ? 'Invalid character' : 'The string to be decoded is not correctly encoded.'
      throw new DOMException(words, 'InvalidCharacterError')
    }
  }
  function btoa(text) {
    const given = '' + text
    for (let i = 0; i < given.length; i++)
      if (charCode(given, i) > 255) throw new DOMException('Invalid character', 'InvalidCharacterError')
    return encode(given)
  }

  return { DOMException, atob, btoa }
})
