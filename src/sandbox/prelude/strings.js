/** Texts as Node quotes and measures them. */
;(function strings(kit) {
  'use strict'
  const { slice, charCode, indexOf, numberText, padStart, upper } = kit

  function joined(items, separator) {
    let text = ''
    for (let i = 0; i < items.length; i++) text += i > 0 ? separator + items[i] : items[i]
    return text
  }

  function hex(code, digits) {
    return padStart(numberText(code, 16), digits, '0')
  }

  const ESCAPES = { __proto__: null, 8: '\\b', 9: '\\t', 10: '\\n', 12: '\\f', 13: '\\r', 92: '\\\\' }

  /** The unit as an escape; `undefined` if it stands for itself. Half a pair does not. */
  function escaped(code, mark) {
    if (code === mark || code === 92 || code < 32) return ESCAPES[code] ?? named(code, mark)
    if (code > 126 && code < 160) return '\\x' + upper(hex(code, 2))
    return code >= 0xd800 && code <= 0xdfff ? '\\u' + hex(code, 4) : undefined
  }
  function named(code, mark) {
    return code === mark ? '\\' + kit.fromCode(mark) : '\\x' + upper(hex(code, 2))
  }

  /** In single quotes, or in those that need no escape. */
  function quoted(text) {
    let mark = "'"
    if (indexOf(text, "'") >= 0) {
      if (indexOf(text, '"') < 0) mark = '"'
      else if (indexOf(text, '`') < 0 && indexOf(text, '${') < 0) mark = '`'
    }
    return mark + withEscapes(text, charCode(mark, 0)) + mark
  }

  function withEscapes(text, mark) {
    let out = ''
    let from = 0
    for (let i = 0; i < text.length; i++) {
      const by = escaped(charCode(text, i), mark)
      if (by === undefined) continue
      if (isPair(text, i)) {
        i++
        continue
      }
      out += slice(text, from, i) + by
      from = i + 1
    }
    return out + slice(text, from)
  }

  function isPair(text, at) {
    const code = charCode(text, at)
    if (!(code >= 0xd800 && code <= 0xdbff) || at + 1 === text.length) return false
    const next = charCode(text, at + 1)
    return next >= 0xdc00 && next <= 0xdfff
  }

  // Columns of a terminal: what is wide takes two, what combines takes none. From and to, by code point.
  const WIDE = [
    0x1100, 0x115f, 0x231a, 0x231b, 0x2329, 0x232a, 0x23e9, 0x23ec, 0x23f0, 0x23f0, 0x23f3, 0x23f3, 0x25fd,
    0x25fe, 0x2614, 0x2615, 0x2648, 0x2653, 0x267f, 0x267f, 0x2693, 0x2693, 0x26a1, 0x26a1, 0x26aa, 0x26ab,
    0x26bd, 0x26be, 0x26c4, 0x26c5, 0x26ce, 0x26ce, 0x26d4, 0x26d4, 0x26ea, 0x26ea, 0x26f2, 0x26f3, 0x26f5,
    0x26f5, 0x26fa, 0x26fa, 0x26fd, 0x26fd, 0x2705, 0x2705, 0x270a, 0x270b, 0x2728, 0x2728, 0x274c, 0x274c,
    0x274e, 0x274e, 0x2753, 0x2755, 0x2757, 0x2757, 0x2795, 0x2797, 0x27b0, 0x27b0, 0x27bf, 0x27bf, 0x2b1b,
    0x2b1c, 0x2b50, 0x2b50, 0x2b55, 0x2b55, 0x2e80, 0x303e, 0x3041, 0x3247, 0x3250, 0x4dbf, 0x4e00, 0xa4c6,
    0xa960, 0xa97c, 0xac00, 0xd7a3, 0xf900, 0xfaff, 0xfe10, 0xfe19, 0xfe30, 0xfe6b, 0xff01, 0xff60, 0xffe0,
    0xffe6, 0x1b000, 0x1b2ff, 0x1f004, 0x1f004, 0x1f0cf, 0x1f0cf, 0x1f18e, 0x1f18e, 0x1f191, 0x1f19a, 0x1f200,
    0x1f320, 0x1f32d, 0x1f335, 0x1f337, 0x1f37c, 0x1f37e, 0x1f393, 0x1f3a0, 0x1f3ca, 0x1f3cf, 0x1f3d3,
    0x1f3e0, 0x1f3f0, 0x1f3f4, 0x1f3f4, 0x1f3f8, 0x1f43e, 0x1f440, 0x1f440, 0x1f442, 0x1f4fc, 0x1f4ff,
    0x1f53d, 0x1f54b, 0x1f54e, 0x1f550, 0x1f567, 0x1f57a, 0x1f57a, 0x1f595, 0x1f596, 0x1f5a4, 0x1f5a4,
    0x1f5fb, 0x1f64f, 0x1f680, 0x1f6c5, 0x1f6cc, 0x1f6cc, 0x1f6d0, 0x1f6d2, 0x1f6d5, 0x1f6df, 0x1f6eb,
    0x1f6ec, 0x1f6f4, 0x1f6fc, 0x1f7e0, 0x1f7eb, 0x1f90c, 0x1f93a, 0x1f93c, 0x1f945, 0x1f947, 0x1f9ff,
    0x1fa70, 0x1faff, 0x20000, 0x3fffd,
  ]
  const NONE = [
    0x0, 0x1f, 0x7f, 0x9f, 0x300, 0x36f, 0x200b, 0x200f, 0x20d0, 0x20ff, 0xfe00, 0xfe0f, 0xfe20, 0xfe2f,
    0xe0100, 0xe01ef,
  ]

  function within(ranges, code) {
    let low = 0
    let high = ranges.length >> 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (code > ranges[2 * middle + 1]) low = middle + 1
      else high = middle
    }
    return 2 * low < ranges.length && code >= ranges[2 * low]
  }

  /** How many columns the text takes. */
  function width(text) {
    let columns = 0
    for (let i = 0; i < text.length; i++) {
      let code = charCode(text, i)
      if (code >= 32 && code < 127) {
        columns++
        continue
      }
      if (isPair(text, i)) code = (code - 0xd800) * 0x400 + charCode(text, ++i) - 0xdc00 + 0x10000
      columns += within(NONE, code) ? 0 : within(WIDE, code) ? 2 : 1
    }
    return columns
  }

  return { joined, hex, quoted, width, withEscapes }
})
