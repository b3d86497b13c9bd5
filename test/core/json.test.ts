import { describe, expect, it } from 'vitest'
import { canonicalJson, parseJson, stringifyJson } from '../../src/core/json.ts'

describe('JSON that keeps large integers', () => {
  it.each([
    '1736454645123456789',
    '-9007199254740993',
    '[9007199254740992,1]',
    '{"a":{"b":[12345678901234567890]}}',
    '"1736454645123456789"',
  ])('writes %s as it was read', (text) => {
    expect(stringifyJson(parseJson(text))).toBe(text)
  })

  it('reads everything else as JSON.parse does', () => {
    for (const text of [
      '{"a":1,"b":[1.5,1e3,-0,true,null,"x"],"c":"1234567890123456"}',
      '1234567890.1234567890',
      '1e400',
      '9007199254740991',
    ]) {
      expect(parseJson(text)).toEqual(JSON.parse(text))
    }
    expect(() => parseJson('{"a":12345678901234567890')).toThrow(SyntaxError)
  })

  it('has one canonical text for equal values', () => {
    expect(canonicalJson({ b: [{ z: 1, y: 2n ** 60n }], a: null })).toBe('{"a":null,"b":[{"y":1152921504606846976,"z":1}]}')
    expect(canonicalJson({ a: 1, b: 2 })).toBe(canonicalJson({ b: 2, a: 1 }))
    expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]))
  })
})
