import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { RUN_METRICS } from '../../src/db/constraints.ts'
import { generate, normalise, resolveFunctions } from '../../src/tools/functions.ts'

const source = (text: string, file = 'a.sql') => ({ file, text })
const define = (name: string, body = 'select 1') => `create function :${name}() returns integer language sql as $$\n${body}\n$$;\n`
const namesOf = (...texts: string[]) =>
  Object.fromEntries(
    resolveFunctions(texts.map((text, index) => source(text, `${index}.sql`))).map(({ name, hashedName }) => [name, hashedName]),
  )

describe('SQL functions from source', () => {
  it('have a name that changes only with the code, not with comments or line ends', () => {
    const { one } = namesOf(define('one'))
    expect(one).toMatch(/^one_[0-9a-f]{8}$/)
    expect(namesOf(`-- what it promises\n${define('one')}`).one).toBe(one)
    expect(namesOf(define('one').replaceAll('\n', '\r\n')).one).toBe(one)
    expect(namesOf(define('one', '  -- why\nselect 1')).one).toBe(one)
    expect(namesOf(define('one', 'select 2')).one).not.toBe(one)
  })

  it('keep text inside a literal that looks like a comment', () => {
    const text = define('one', `select 'it''s\n-- no comment\n' || $text$\n-- nor this\n$text$ /* '\n-- commented out all the same\n*/`)
    expect(normalise(text)).toContain('-- no comment')
    expect(normalise(text)).toContain('-- nor this')
    expect(namesOf(text).one).not.toBe(namesOf(text.replace('-- no comment', '-- another text')).one)
    expect(normalise("select 1 -- it's\n-- gone\n;")).toBe("select 1 -- it's\n;")
  })

  it('are created after the functions they call, and change with them', () => {
    const caller = define('caller', 'select :callee() + 1::integer')
    const [first, second] = resolveFunctions([source(caller, 'a.sql'), source(define('callee'), 'b.sql')])
    expect([first?.name, second?.name]).toEqual(['callee', 'caller'])
    expect(second?.sql).toContain(`select ${first?.hashedName}() + 1::integer`)
    expect(second?.sql).toContain(`create function ${second?.hashedName}()`)
    expect(namesOf(caller, define('callee', 'select 2')).caller).not.toBe(second?.hashedName)
  })

  it('are refused in one sentence if they cannot be created', () => {
    const circle = [define('a', 'select :b()'), define('b', 'select :a()')]
    expect(() => namesOf(...circle)).toThrow('SQL functions call each other in a circle: a -> b -> a')
    expect(() => namesOf(define('a', 'select :gone()'))).toThrow('a calls :gone, which no .sql file creates')
    expect(() => namesOf(define('a'), define('a'))).toThrow('1.sql and 0.sql both create :a')
    expect(() => namesOf('select 1')).toThrow('0.sql must have exactly one "create function :name("')
    expect(() => namesOf(define('x'.repeat(60)))).toThrow('is longer than 63 bytes')
  })

  it('are listed by name for the worker', () => {
    const text = generate(resolveFunctions([source(define('zebra'), 'z.sql'), source(define('ape'), 'y.sql')]))
    expect(text).toMatch(/export const FUNCTIONS = \{\n {2}ape: 'ape_[0-9a-f]{8}',\n {2}zebra: 'zebra_[0-9a-f]{8}',\n\} as const\n$/)
  })

  it('create a rule for every metric that a run reports', () => {
    const sql = readFileSync(join(import.meta.dirname, '../../src/features/pipelines/create-rules.sql'), 'utf8')
    const listed = /unnest\(ARRAY\[([^\]]*)\]\) metric/
      .exec(sql)?.[1]
      ?.split(', ')
      .map((name) => name.replaceAll("'", ''))
    expect(listed).toEqual([...RUN_METRICS])
  })
})
